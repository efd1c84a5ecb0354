"""Every layer and loss against PyTorch: ``repr``, ``state_dict``, initial weights, outputs and every gradient."""

import warnings

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, check_outcome, compare_values


def x(e, *shape, seed=0):
    return e.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def shares(e, *shape, seed=0):
    return x(e, *shape, seed=seed).softmax(-1)


def causal(e, size):
    return e.nn.Transformer.generate_square_subsequent_mask(size, dtype=e.float64)


ACTIVATIONS = "ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU Mish Hardtanh Hardswish Hardsigmoid Sigmoid Tanh Softplus"
ACTIVATIONS += " Softsign LogSigmoid Tanhshrink Softshrink Hardshrink GLU"

# how a layer is made, and what it is given
LAYERS = {
    "Threshold": (lambda n, e: n.Threshold(0.1, 2.0), lambda e: (x(e, 3, 4),)),
    "Threshold in place": (lambda n, e: n.Threshold(0.1, 2.0, True), lambda e: (x(e, 3, 4) * 1,)),
    "ReLU in place": (lambda n, e: n.ReLU(True), lambda e: (x(e, 3, 4) * 1,)),
    "LeakyReLU in place": (lambda n, e: n.LeakyReLU(0.2, True), lambda e: (x(e, 3, 4) * 1,)),
    "Hardtanh in place": (lambda n, e: n.Hardtanh(-2, 2.5, True), lambda e: (x(e, 3, 4) * 1,)),
    "GELU, tanh": (lambda n, e: n.GELU("tanh"), lambda e: (x(e, 3, 4),)),
    "Softmax": (lambda n, e: n.Softmax(1), lambda e: (x(e, 3, 4),)),
    "Softmin": (lambda n, e: n.Softmin(dim=-1), lambda e: (x(e, 3, 4),)),
    "LogSoftmax": (lambda n, e: n.LogSoftmax(1), lambda e: (x(e, 3, 4),)),
    "PReLU": (lambda n, e: n.PReLU(dtype=e.float64), lambda e: (x(e, 3, 4),)),
    "PReLU of channels": (lambda n, e: n.PReLU(4, 0.1), lambda e: (x(e, 3, 4).float(),)),
    "LayerNorm": (lambda n, e: n.LayerNorm(4, dtype=e.float64), lambda e: (x(e, 3, 4),)),
    "LayerNorm of two": (
        lambda n, e: n.LayerNorm((3, 4), eps=1e-3, bias=False, dtype=e.float64),
        lambda e: (x(e, 2, 3, 4),),
    ),
    "LayerNorm, not affine": (lambda n, e: n.LayerNorm(4, elementwise_affine=False), lambda e: (x(e, 2, 3, 4),)),
    "RMSNorm": (lambda n, e: n.RMSNorm(4, dtype=e.float64), lambda e: (x(e, 3, 4),)),
    "RMSNorm, not affine": (lambda n, e: n.RMSNorm((3, 4), 1e-3, False), lambda e: (x(e, 2, 3, 4),)),
    "Dropout of nothing": (lambda n, e: n.Dropout(0.0), lambda e: (x(e, 3, 4),)),
    "Dropout of all": (lambda n, e: n.Dropout(1.0), lambda e: (x(e, 3, 4),)),
    "Dropout, evaluation": (lambda n, e: n.Dropout().eval(), lambda e: (x(e, 3, 4),)),
    "Embedding": (lambda n, e: n.Embedding(5, 3), lambda e: (e.tensor([[0, 4], [2, 2]]),)),
    "Embedding, padding": (
        lambda n, e: n.Embedding(5, 3, padding_idx=-3, dtype=e.float64),
        lambda e: (e.tensor([[0, 4], [2, 2]]),),
    ),
    "Embedding by frequency": (
        lambda n, e: n.Embedding(5, 3, scale_grad_by_freq=True),
        lambda e: (e.tensor([[0, 4], [2, 2]]),),
    ),
    "Embedding of a norm": (
        lambda n, e: n.Embedding(5, 3, max_norm=0.5, norm_type=1.0),
        lambda e: (e.tensor([[0, 4], [2, 2]]),),
    ),
    "Embedding from a table": (
        lambda n, e: n.Embedding.from_pretrained(e.arange(6.0).view(3, 2), freeze=False),
        lambda e: (e.tensor([2, 0]),),
    ),
    "EmbeddingBag": (lambda n, e: n.EmbeddingBag(5, 3), lambda e: (e.tensor([0, 4, 2, 2]), e.tensor([0, 3, 3]))),
    "EmbeddingBag, largest": (
        lambda n, e: n.EmbeddingBag(5, 3, mode="max", padding_idx=-1, dtype=e.float64),
        lambda e: (e.tensor([[0, 4], [4, 4], [2, 1]]),),
    ),
    "EmbeddingBag, weights": (
        lambda n, e: n.EmbeddingBag(5, 3, 0.5, 1.0, True, "sum", include_last_offset=True, padding_idx=0),
        lambda e: (e.tensor([0, 4, 2, 2]).int(), e.tensor([0, 3, 4]).int(), x(e, 4).detach().float().requires_grad_()),
    ),
    "EmbeddingBag from a table": (
        lambda n, e: n.EmbeddingBag.from_pretrained(e.arange(6.0).view(3, 2), freeze=False),
        lambda e: (e.tensor([[2, 0]]),),
    ),
    "AdaptiveLogSoftmaxWithLoss": (
        lambda n, e: n.AdaptiveLogSoftmaxWithLoss(8, 12, [4, 7], 2.0, True, dtype=e.float64),
        lambda e: (x(e, 4, 8), e.tensor([0, 11, 5, 3])),
    ),
    "AdaptiveLogSoftmaxWithLoss of one sample": (
        lambda n, e: n.AdaptiveLogSoftmaxWithLoss(8, 12, [4, 7], 2, dtype=e.float64),
        lambda e: (x(e, 8), e.tensor(6)),
    ),
    "Bilinear": (lambda n, e: n.Bilinear(3, 4, 5, dtype=e.float64), lambda e: (x(e, 2, 3), x(e, 2, 4, seed=1))),
    "Bilinear without bias": (
        lambda n, e: n.Bilinear(3, 4, 5, bias=False, dtype=e.float64),
        lambda e: (x(e, 3), x(e, 4, seed=1)),
    ),
    "RReLU": (lambda n, e: n.RReLU(0.1, 0.4), lambda e: (x(e, 3, 4),)),
    "RReLU in place": (lambda n, e: n.RReLU(inplace=True), lambda e: (x(e, 3, 4).float() * 1,)),
    "RReLU, evaluation": (lambda n, e: n.RReLU().eval(), lambda e: (x(e, 3, 4),)),
    "AlphaDropout": (lambda n, e: n.AlphaDropout(0.3), lambda e: (x(e, 3, 4),)),
    "AlphaDropout of all": (lambda n, e: n.AlphaDropout(1.0), lambda e: (x(e, 3, 4),)),
    "FeatureAlphaDropout": (lambda n, e: n.FeatureAlphaDropout(), lambda e: (x(e, 3, 4, 2),)),
    "Dropout3d": (lambda n, e: n.Dropout3d(0.4), lambda e: (x(e, 2, 4, 2, 2, 2),)),
    "Dropout3d of one sample": (lambda n, e: n.Dropout3d(0.4), lambda e: (x(e, 4, 2, 2, 2),)),
    "ChannelShuffle": (lambda n, e: n.ChannelShuffle(3), lambda e: (x(e, 2, 6, 2, 2),)),
    "Unflatten": (lambda n, e: n.Unflatten(1, (2, 2)), lambda e: (x(e, 3, 4),)),
    "BCELoss": (lambda n, e: n.BCELoss(), lambda e: (x(e, 3, 4).sigmoid(), x(e, 3, 4, seed=1).sigmoid())),
    "BCELoss, weights": (
        lambda n, e: n.BCELoss(weight=e.tensor([0.5, 1, 2, 3], dtype=e.float64)),
        lambda e: (x(e, 3, 4).sigmoid(), x(e, 3, 4, seed=1).sigmoid()),
    ),
    "BCEWithLogitsLoss": (lambda n, e: n.BCEWithLogitsLoss(), lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1).sigmoid())),
    "BCEWithLogitsLoss, weights": (
        lambda n, e: n.BCEWithLogitsLoss(
            pos_weight=e.tensor([0.5, 1, 2, 3], dtype=e.float64), weight=e.tensor(2.0, dtype=e.float64)
        ),
        lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1).sigmoid()),
    ),
    "KLDivLoss": (
        lambda n, e: n.KLDivLoss(reduction="batchmean"),
        lambda e: (x(e, 3, 4).log_softmax(1), shares(e, 3, 4, seed=1)),
    ),
    "KLDivLoss of logarithms": (
        lambda n, e: n.KLDivLoss(reduction="sum", log_target=True),
        lambda e: (x(e, 3, 4).log_softmax(1), x(e, 3, 4, seed=1).log_softmax(1)),
    ),
    "HingeEmbeddingLoss": (lambda n, e: n.HingeEmbeddingLoss(0.7), lambda e: (x(e, 3), e.tensor([1.0, -1, -1]))),
    "MarginRankingLoss": (
        lambda n, e: n.MarginRankingLoss(0.1),
        lambda e: (x(e, 3), x(e, 3, seed=1), e.tensor([1.0, -1, -1])),
    ),
    "CosineEmbeddingLoss": (
        lambda n, e: n.CosineEmbeddingLoss(0.1),
        lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1), e.tensor([1, -1, -1])),
    ),
    "TripletMarginLoss": (
        lambda n, e: n.TripletMarginLoss(swap=True),
        lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1), x(e, 3, 4, seed=2)),
    ),
    "TripletMarginWithDistanceLoss": (
        lambda n, e: n.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(1), swap=True),
        lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1), x(e, 3, 4, seed=2)),
    ),
    "CosineSimilarity": (lambda n, e: n.CosineSimilarity(), lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1))),
    "PairwiseDistance": (lambda n, e: n.PairwiseDistance(keepdim=True), lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1))),
    "CrossEntropyLoss": (lambda n, e: n.CrossEntropyLoss(), lambda e: (x(e, 3, 4), e.tensor([0, 1, 3]))),
    "CrossEntropyLoss, smooth": (
        lambda n, e: n.CrossEntropyLoss(
            label_smoothing=0.1, weight=e.tensor([1, 2, 3, 4], dtype=e.float64), ignore_index=1
        ),
        lambda e: (x(e, 3, 4), e.tensor([0, 1, 3])),
    ),
    "CrossEntropyLoss of probabilities": (
        lambda n, e: n.CrossEntropyLoss(label_smoothing=0.1, weight=e.tensor([1, 2, 3, 4], dtype=e.float64)),
        lambda e: (x(e, 3, 4), shares(e, 3, 4, seed=1)),
    ),
    "CrossEntropyLoss of places": (
        lambda n, e: n.CrossEntropyLoss(reduction="none"),
        lambda e: (x(e, 2, 3, 4), e.tensor([[0, 1, 2, 1], [1, 1, 0, 2]])),
    ),
    "NLLLoss of places": (lambda n, e: n.NLLLoss(), lambda e: (x(e, 2, 3, 4), e.tensor([[0, 1, 2, 1], [1, 1, 0, 2]]))),
    "MultiheadAttention": (
        lambda n, e: n.MultiheadAttention(8, 2, dtype=e.float64),
        lambda e: (x(e, 4, 2, 8), x(e, 5, 2, 8, seed=1), x(e, 5, 2, 8, seed=2)),
    ),
    "MultiheadAttention, other sizes": (
        lambda n, e: n.MultiheadAttention(8, 2, batch_first=True, dtype=e.float64, kdim=3, vdim=5, bias=False),
        lambda e: (x(e, 2, 4, 8), x(e, 2, 5, 3, seed=1), x(e, 2, 5, 5, seed=2)),
    ),
    "MultiheadAttention of one sample": (
        lambda n, e: n.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, dtype=e.float64),
        lambda e: (x(e, 4, 8), x(e, 5, 8, seed=1), x(e, 5, 8, seed=2)),
    ),
    "MultiheadAttention, masks": (
        lambda n, e: n.MultiheadAttention(8, 2, dtype=e.float64),
        lambda e: (
            *(x(e, 4, 2, 8), x(e, 4, 2, 8, seed=1), x(e, 4, 2, 8, seed=2)),
            *(e.tensor([[False, False, True, False], [False, False, False, True]]), True),
            *(e.ones(4, 4, dtype=e.bool).triu(1), False),
        ),
    ),
    "TransformerEncoderLayer": (
        lambda n, e: n.TransformerEncoderLayer(8, 2, 16, dropout=0.0, dtype=e.float64),
        lambda e: (x(e, 4, 2, 8),),
    ),
    "TransformerEncoderLayer, normalised first": (
        lambda n, e: n.TransformerEncoderLayer(
            8, 2, 16, dropout=0.0, dtype=e.float64, batch_first=True, norm_first=True, activation="gelu"
        ),
        lambda e: (x(e, 2, 4, 8), e.ones(4, 4, dtype=e.bool).triu(1)),
    ),
    "TransformerEncoder": (
        lambda n, e: n.TransformerEncoder(
            n.TransformerEncoderLayer(8, 2, 16, dropout=0.0, dtype=e.float64),
            2,
            n.LayerNorm(8, dtype=e.float64),
            enable_nested_tensor=False,
        ),
        lambda e: (x(e, 4, 2, 8),),
    ),
    "TransformerDecoderLayer, all masks": (
        lambda n, e: n.TransformerDecoderLayer(8, 2, 16, dropout=0.0, dtype=e.float64, activation=e.tanh),
        lambda e: (
            *(x(e, 4, 2, 8), x(e, 5, 2, 8, seed=1), *(e.ones(4, 4).triu(1).bool(), e.ones(4, 5).triu(3).bool())),
            *(e.tensor([[False] * 4, [False, False, False, True]]), e.tensor([[False] * 5, [True] + [False] * 4])),
        ),
    ),
    "TransformerDecoder": (
        lambda n, e: n.TransformerDecoder(
            n.TransformerDecoderLayer(
                8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True, bias=False, dtype=e.float64
            ),
            2,
        ),
        lambda e: (x(e, 2, 4, 8), x(e, 2, 5, 8, seed=1), causal(e, 4), None, None, None, True),
    ),
    "Transformer": (
        lambda n, e: n.Transformer(8, 2, 1, 2, 16, batch_first=True, dtype=e.float64),
        lambda e: (x(e, 2, 4, 8), x(e, 2, 3, 8, seed=1), None, causal(e, 3)),
    ),
    "Transformer, evaluation": (
        lambda n, e: n.Transformer(8, 2, 2, 1, 16, activation="gelu", batch_first=True, dtype=e.float64).eval(),
        lambda e: (
            x(e, 2, 4, 8),
            x(e, 2, 3, 8, seed=1),
            None,
            None,
            None,
            e.tensor([[False] * 4, [False] * 3 + [True]]),
        ),
    ),
}
for kind in ACTIVATIONS.split():
    LAYERS[kind] = (lambda n, e, kind=kind: getattr(n, kind)(), lambda e: (x(e, 3, 4),))
for kind in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"):
    for way in ("mean", "sum", "none"):
        LAYERS[f"{kind} {way}"] = (
            lambda n, e, kind=kind, way=way: getattr(n, kind)(reduction=way),
            lambda e: (x(e, 3, 4), x(e, 3, 4, seed=1)),
        )


def tolerance_of(tensor):
    return "second order" if str(tensor.dtype).endswith("64") else "float32"  # a layer is several operations


def run(e, name):
    """Everything there is to compare of a layer, by name."""
    make, inputs_of = LAYERS[name]
    e.manual_seed(3)
    layer, inputs = make(e.nn, e), inputs_of(e)
    found = {"repr": repr(layer).replace("minigrad", "torch")}
    found.update({f"weight {key}": value.detach().clone() for key, value in layer.state_dict().items()})
    results = layer(*inputs)
    results = [each for each in (results if isinstance(results, tuple) else (results,)) if each is not None]
    found.update({f"result {number}": each for number, each in enumerate(results)})
    leaves = [each for each in (*layer.parameters(), *inputs) if isinstance(each, e.Tensor) and each.requires_grad]
    if leaves:
        starts = [x(e, *each.shape, seed=9).detach().to(each.dtype) for each in results]
        gradients = e.autograd.grad(results, leaves, starts, allow_unused=True)
        found.update({f"gradient {number}": each for number, each in enumerate(gradients)})
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    ours, theirs = run(minigrad, name), run(torch, name)
    assert ours.pop("repr") == theirs.pop("repr")
    assert list(ours) == list(theirs)
    for part, value in ours.items():
        allowed = "exact" if value is None else tolerance_of(value)
        compare_values(f"{name}, {part}", value, theirs[part], allowed).check()


def drawn(function):
    """``function`` of functional and x, which draws the same numbers whenever it is called."""

    def call(e, x):
        e.manual_seed(5)
        return function(e.nn.functional, x)

    return call


def encoded(e, padded, at_end=True, grad=False, norm=True, **options):
    """What an encoder gives in evaluation of a batch, some places of which are padding; and what it warns of."""
    e.manual_seed(0)
    layer = e.nn.TransformerEncoderLayer(8, 2, 16, dtype=e.float64, **{"batch_first": True, **options})
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        encoder = e.nn.TransformerEncoder(layer, 2, e.nn.LayerNorm(8, dtype=e.float64) if norm else None).eval()
        padding = e.arange(4) >= e.tensor(padded)[:, None]
        with e.set_grad_enabled(grad):
            result = encoder(x(e, 2, 4, 8).detach(), src_key_padding_mask=padding if at_end else padding.flip(1))
    return result, [str(each.message) for each in told if "nested_tensor is True" in str(each.message)]


ENCODED = {
    "zeros": lambda e: encoded(e, [4, 2], norm=False),
    "zeros, normalised": lambda e: encoded(e, [4, 2]),
    "padding at the beginning": lambda e: encoded(e, [4, 2], at_end=False),
    "with gradients": lambda e: encoded(e, [4, 2], grad=True),
    "normalised first": lambda e: encoded(e, [3, 2], norm_first=True),
    "batch second": lambda e: encoded(e, [3, 2, 4, 4], batch_first=False),
    "another activation": lambda e: encoded(e, [3, 2], activation=e.tanh),
    "no bias": lambda e: encoded(e, [3, 2], bias=False),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", ENCODED)
def test_padding_of_an_encoder(name):
    check_outcome(name, ENCODED[name])


def adaptive(e, cutoffs):
    """All log-probabilities, and what is likeliest."""
    e.manual_seed(0)
    layer = e.nn.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs, 2.0, dtype=e.float64)
    inputs = 9 * x(e, 20, 8).detach()
    return layer.log_prob(inputs), layer.predict(inputs), layer.predict(inputs[:1])


@pytest.mark.parametrize("cutoffs", [[4, 7], [1], [11], [7, 4], [0], [12], []], ids=str)
def test_adaptive_softmax(cutoffs):
    check_outcome(f"{cutoffs}", lambda e: adaptive(e, cutoffs))


FUNCTIONS = {
    "rrelu": (lambda f, x: f.rrelu(x, 0.1, 0.4, training=True), (3, 4)),
    "rrelu, evaluation": (lambda f, x: f.rrelu(x), (3, 4)),
    "rrelu_": (lambda f, x: f.rrelu_(x * 2, training=True), (3, 4)),
    "alpha_dropout": (lambda f, x: f.alpha_dropout(x, 0.3, training=True), (3, 4)),
    "alpha_dropout, in place": (lambda f, x: f.alpha_dropout(x * 2, 0.3, True, True), (3, 4)),
    "feature_alpha_dropout": (lambda f, x: f.feature_alpha_dropout(x, training=True), (3, 4, 2)),
    "dropout3d": (lambda f, x: f.dropout3d(x, 0.4), (2, 4, 2, 2, 2)),
    "gumbel_softmax": (lambda f, x: f.gumbel_softmax(x, 0.5), (3, 4)),
    "gumbel_softmax, hard": (lambda f, x: f.gumbel_softmax(x, hard=True, dim=0), (3, 4)),
    "affine_grid": (lambda f, x: f.affine_grid(x, [2, 1, 3, 4], False), (2, 2, 3)),
    "affine_grid, corners": (lambda f, x: f.affine_grid(x, (1, 1, 3, 2, 4), True), (1, 3, 4)),
    "affine_grid of single elements": (lambda f, x: f.affine_grid(x, (1, 1, 1, 4), False), (1, 2, 3)),
    "grid_sample of a grid": (
        lambda f, x: f.grid_sample(
            x.view(1, 2, 2, 3), f.affine_grid(x.view(2, 2, 3)[:1], (1, 1, 4, 4), True), align_corners=False
        ),
        (2, 6),
    ),
    "lp_pool1d": (lambda f, x: f.lp_pool1d(x.abs(), 3, 2, stride=1), (2, 3, 5)),
    "lp_pool2d": (lambda f, x: f.lp_pool2d(x, 2, (2, 3), ceil_mode=True), (2, 3, 5, 6)),
    "lp_pool2d, largest": (lambda f, x: f.lp_pool2d(x, float("inf"), 2), (2, 3, 5, 6)),
    "lp_pool2d, smallest": (lambda f, x: f.lp_pool2d(x, -float("inf"), 2), (2, 3, 5, 6)),
    "lp_pool3d": (lambda f, x: f.lp_pool3d(x, 2, 2), (3, 4, 5, 6)),
    "max_pool3d_with_indices": (lambda f, x: f.max_pool3d_with_indices(x, 2, 1, 1, 2)[0], (2, 5, 6, 4)),
    "adaptive_max_pool3d_with_indices": (
        lambda f, x: f.adaptive_max_pool3d_with_indices(x, (2, None, 3))[0],
        (1, 3, 2, 4),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    """Values, gradients to second order and graphs."""
    function, shape = FUNCTIONS[name]
    check_operation(name, drawn(function), np.random.default_rng(0).normal(size=shape))


def bags_that_end_early(e, dtype, mode, padding):
    """The last offset says where the last bag ends; but not to all of PyTorch's ways to add up."""
    table = e.arange(8.0).to(getattr(e, dtype)).view(4, 2)
    given = {"mode": mode, "padding_idx": padding, "include_last_offset": True}
    return e.nn.functional.embedding_bag(e.tensor([0, 1, 2, 3]), table, e.tensor([0, 1, 2]), **given)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("mode", "padding"), [("sum", None), ("sum", 1), ("mean", 1), ("max", None), ("max", -1)])
def test_bags_that_end_early(dtype, mode, padding):
    check_outcome(mode, lambda e: bags_that_end_early(e, dtype, mode, padding))


WRONG = {
    "margin of a triplet": lambda e: e.nn.TripletMarginWithDistanceLoss(margin=0),
    "dimensions of a triplet": lambda e: e.nn.functional.triplet_margin_with_distance_loss(
        e.ones(2), e.ones(2), e.ones(1, 2)
    ),
    "reduction of a triplet": lambda e: e.nn.TripletMarginWithDistanceLoss(reduction="all")(*[e.ones(2, 2)] * 3),
    "margin loss of the third power": lambda e: e.nn.MultiMarginLoss(p=3),
    "margin loss, classes": lambda e: e.nn.MultiMarginLoss()(e.ones(2, 3), e.tensor([0, 3])),
    "margin loss, weight": lambda e: e.nn.MultiMarginLoss(weight=e.ones(2))(e.ones(2, 3), e.tensor([0, 1])),
    "margin loss, type": lambda e: e.nn.MultiMarginLoss()(e.ones(2, 3), e.tensor([0.0, 1.0])),
    "margin loss of labels, sizes": lambda e: e.nn.MultiLabelMarginLoss()(e.ones(2, 3), e.ones(2, 2).long()),
    "grid of matrices": lambda e: e.nn.functional.affine_grid(e.ones(2, 2, 2), (2, 1, 3, 3), False),
    "grid of integers": lambda e: e.nn.functional.affine_grid(e.ones(1, 2, 3).long(), (1, 1, 3, 3), False),
    "grid of three sizes": lambda e: e.nn.functional.affine_grid(e.ones(1, 2, 3), (1, 3, 3), False),
    "grid of nothing": lambda e: e.nn.functional.affine_grid(e.ones(1, 2, 3), (1, 1, 0, 3), False),
    "grid of other samples": lambda e: e.nn.functional.affine_grid(e.ones(2, 2, 3), (1, 1, 3, 3), False),
    "grid, mode": lambda e: e.nn.functional.grid_sample(
        e.ones(1, 1, 2, 2), e.ones(1, 2, 2, 2), "linear", align_corners=True
    ),
    "grid, padding": lambda e: e.nn.functional.grid_sample(e.ones(1, 1, 2, 2), e.ones(1, 2, 2, 2), "nearest", "edge"),
    "grid, types": lambda e: e.nn.functional.grid_sample(
        e.ones(1, 1, 2, 2), e.ones(1, 2, 2, 2).double(), align_corners=True
    ),
    "grid, cubes": lambda e: e.nn.functional.grid_sample(
        e.ones(1, 1, 2, 2, 2), e.ones(1, 2, 2, 2, 3), "bicubic", align_corners=True
    ),
    "grid of three": lambda e: e.nn.functional.grid_sample(e.ones(1, 1, 2, 2), e.ones(1, 2, 2, 3)),
    "grid of others": lambda e: e.nn.functional.grid_sample(e.ones(1, 1, 2, 2), e.ones(2, 2, 2, 2)),
    "grid of a vector": lambda e: e.nn.functional.grid_sample(e.ones(2), e.ones(2, 2)),
    "bag of no word": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([[0, 4]])),
    "bag without beginnings": lambda e: e.nn.functional.embedding_bag(e.tensor([0, 3]), e.ones(4, 3)),
    "bag of rows with beginnings": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([[0, 3]]), e.tensor([0])),
    "bag that begins late": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([0, 3]), e.tensor([1])),
    "bag that begins beyond": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([0, 3]), e.tensor([0, 5])),
    "bag of floats": lambda e: e.nn.EmbeddingBag(4, 3)(e.ones(1, 2)),
    "bag, padding": lambda e: e.nn.EmbeddingBag(4, 3, padding_idx=4),
    "bag, mode": lambda e: e.nn.EmbeddingBag(4, 3, mode="min")(e.tensor([[0, 3]])),
    "bag, weights of a mean": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([[0, 3]]), None, e.ones(1, 2)),
    "bag, weights of another size": lambda e: e.nn.EmbeddingBag(4, 3, mode="sum")(e.tensor([[0, 3]]), None, e.ones(2)),
    "bags, none": lambda e: e.nn.EmbeddingBag(4, 3)(e.tensor([0, 3]), e.ones(0).long()),
    "class beyond": lambda e: e.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(e.ones(2, 4), e.tensor([1, 6])),
    "classes of two dimensions": lambda e: e.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(e.ones(2, 4), e.tensor([[1]])),
    "classes of other samples": lambda e: e.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])(e.ones(2, 4), e.tensor([1])),
    "lengths of a text": lambda e: e.nn.CTCLoss()(e.zeros(2, 1, 2), e.tensor([[1]]), "a", (1,)),
    "lengths too long": lambda e: e.nn.CTCLoss()(e.zeros(2, 1, 2), e.tensor([[1]]), (3,), (1,)),
    "lengths of others": lambda e: e.nn.CTCLoss()(e.zeros(2, 1, 2), e.tensor([[1]]), (2, 2), (1,)),
    "lengths of targets": lambda e: e.nn.CTCLoss()(e.zeros(2, 1, 2), e.tensor([[1]]), (2,), (2,)),
    "blank beyond": lambda e: e.nn.CTCLoss(blank=2)(e.zeros(2, 1, 2), e.tensor([[1]]), (2,), (1,)),
    "sequence of text": lambda e: e.nn.functional.affine_grid("a", (1, 1, 2, 2), False),
    "power 0": lambda e: e.nn.LPPool2d(0, 2),
    "channels": lambda e: e.nn.functional.channel_shuffle(e.ones(1, 4, 2), 3),
    "no groups": lambda e: e.nn.functional.channel_shuffle(e.ones(1, 4, 2), 0),
    "no pictures": lambda e: e.nn.functional.channel_shuffle(e.ones(1, 4), 2),
    "slopes": lambda e: e.nn.functional.rrelu(e.ones(2), 2.0, 1.0),
    "slopes of halves": lambda e: e.nn.functional.rrelu(e.ones(2).half(), training=True),
    "probability": lambda e: e.nn.functional.alpha_dropout(e.ones(2), 2.0),
    "channels of a vector": lambda e: e.nn.functional.feature_alpha_dropout(e.ones(2), training=True),
    "softmax of a matrix": lambda e: e.nn.Softmax2d()(e.ones(2, 2)),
    "channels of a sample": lambda e: e.nn.InstanceNorm2d(3, affine=True)(e.ones(1, 2, 2, 2)),
    "dimensions of a sample": lambda e: e.nn.InstanceNorm1d(3)(e.ones(2)),
    "response of a matrix": lambda e: e.nn.LocalResponseNorm(2)(e.ones(2, 2)),
    "circle around a matrix": lambda e: e.nn.CircularPad2d(1)(e.ones(2, 2)),
    "variance below zero": lambda e: e.nn.GaussianNLLLoss()(e.ones(2), e.ones(2), -e.ones(2)),
    "variance of another size": lambda e: e.nn.GaussianNLLLoss()(e.ones(2, 3), e.ones(2, 3), e.ones(2)[:, None, None]),
    "Gaussian reduction": lambda e: e.nn.GaussianNLLLoss(reduction="all")(e.ones(2), e.ones(2), e.ones(2)),
    "Poisson reduction": lambda e: e.nn.PoissonNLLLoss(reduction="all")(e.ones(2), e.ones(2)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    check_outcome(name, WRONG[name])
