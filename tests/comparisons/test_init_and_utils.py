"""Initial weights, what is done to all parameters at once, einsum, older names and arguments, against PyTorch."""

import math

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, check_outcome, compare_values

ENGINES = (minigrad, torch)

FILLED = {
    "uniform_": lambda e, t: e.nn.init.uniform_(t, -1, 2),
    "normal_": lambda e, t: e.nn.init.normal_(t, 1, 2),
    "constant_": lambda e, t: e.nn.init.constant_(t, 0.3),
    "ones_": lambda e, t: e.nn.init.ones_(t),
    "zeros_": lambda e, t: e.nn.init.zeros_(t),
    "eye_": lambda e, t: e.nn.init.eye_(t),
    "dirac_": lambda e, t: e.nn.init.dirac_(e.ones(4, 2, 3, dtype=e.float64)),
    "dirac_, groups": lambda e, t: e.nn.init.dirac_(e.ones(4, 2, 3, 3, dtype=e.float64), 2),
    "xavier_uniform_": lambda e, t: e.nn.init.xavier_uniform_(t, 2.0),
    "xavier_normal_": lambda e, t: e.nn.init.xavier_normal_(t),
    "xavier of a convolution": lambda e, t: e.nn.init.xavier_uniform_(e.empty(4, 3, 5, dtype=e.float64)),
    "kaiming_uniform_": lambda e, t: e.nn.init.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
    "kaiming_normal_": lambda e, t: e.nn.init.kaiming_normal_(t, a=0.2),
    "orthogonal_": lambda e, t: e.nn.init.orthogonal_(t, gain=2),
    "orthogonal_, tall": lambda e, t: e.nn.init.orthogonal_(e.empty(7, 3, dtype=e.float64)),
    "orthogonal_, more dimensions": lambda e, t: e.nn.init.orthogonal_(e.empty(3, 2, 4, dtype=e.float64)),
    "sparse_": lambda e, t: e.nn.init.sparse_(t, 0.4),
    "trunc_normal_": lambda e, t: e.nn.init.trunc_normal_(t, 0.5, 2.0, -1.0, 1.5),
    "gains": lambda e, t: [e.nn.init.calculate_gain(name) for name in ("linear", "tanh", "relu", "leaky_relu", "selu")],
    "trunc_normal_ of a tail": lambda e, t: e.nn.init.trunc_normal_(t, 0.0, 1.0, 1.5, 3.0),
    "generator": lambda e, t: e.nn.init.uniform_(t, generator=e.Generator().manual_seed(4)),
    "eye_ of a vector": lambda e, t: e.nn.init.eye_(e.ones(3)),
    "dirac_ of a matrix": lambda e, t: e.nn.init.dirac_(t),
    "dirac_, odd groups": lambda e, t: e.nn.init.dirac_(e.ones(4, 2, 3), 3),
    "xavier of a vector": lambda e, t: e.nn.init.xavier_normal_(e.ones(3)),
    "kaiming of another mode": lambda e, t: e.nn.init.kaiming_normal_(t, mode="fan"),
    "kaiming of nothing": lambda e, t: e.nn.init.kaiming_normal_(e.ones(0, 3)),
    "gain of another name": lambda e, t: e.nn.init.calculate_gain("steep"),
    "orthogonal_ of a vector": lambda e, t: e.nn.init.orthogonal_(e.ones(3)),
    "sparse_ of a vector": lambda e, t: e.nn.init.sparse_(e.ones(3), 0.1),
    "trunc_normal_ far away": lambda e, t: e.nn.init.trunc_normal_(t, 20.0),
}


@pytest.mark.parametrize("name", FILLED)
def test_initial_weights(name):
    def call(e):
        e.manual_seed(8)
        return FILLED[name](e, e.empty(3, 5, dtype=e.float64))

    check_outcome(name, call)


def with_gradients(e):
    weights = [e.ones(2, 3, requires_grad=True), e.ones(4, requires_grad=True), e.ones(1, requires_grad=True)]
    weights[0].grad = e.arange(6.0).view(2, 3) - 2
    weights[1].grad = e.tensor([5.0, -7.0, 0.5, 0.0])
    return weights


CLIPPED = {
    "norm": lambda e, w: e.nn.utils.clip_grad_norm_(w, 3.0),
    "norm of order 1": lambda e, w: e.nn.utils.clip_grad_norm_(w, 3.0, norm_type=1),
    "largest": lambda e, w: e.nn.utils.clip_grad_norm_(w, 3.0, math.inf),
    "small already": lambda e, w: e.nn.utils.clip_grad_norm_(iter(w), 300.0),
    "one tensor": lambda e, w: e.nn.utils.clip_grad_norm_(w[0], 1.0),
    "no gradient": lambda e, w: e.nn.utils.clip_grad_norm_(w[2:], 1.0),
    "total norm": lambda e, w: e.nn.utils.get_total_norm([w[0].grad, w[1].grad]),
    "with a norm": lambda e, w: e.nn.utils.clip_grads_with_norm_(w, 1.0, e.tensor(10.0)),
    "value": lambda e, w: e.nn.utils.clip_grad_value_(w, 1.5),
    "not finite": lambda e, w: e.nn.utils.clip_grad_norm_([with_infinity(e)], 1.0, error_if_nonfinite=True),
}


def with_infinity(e):
    weight = e.ones(2, requires_grad=True)
    weight.grad = e.tensor([math.inf, 1.0])
    return weight


@pytest.mark.parametrize("name", CLIPPED)
def test_clipping(name):
    def call(e):
        weights = with_gradients(e)
        return CLIPPED[name](e, weights), weights[0].grad, weights[1].grad

    check_outcome(name, call)


def test_parameters_as_a_vector():
    vectors = []
    for e in ENGINES:
        weights = with_gradients(e)
        vector = e.nn.utils.parameters_to_vector(weights)
        assert vector.requires_grad
        e.nn.utils.vector_to_parameters(e.arange(11.0), weights)
        vectors.append([vector, *weights])
        with pytest.raises(TypeError):
            e.nn.utils.vector_to_parameters([1.0], weights)
    for ours, theirs in zip(*vectors):
        compare_values("vector", ours, theirs, "exact").check()


EQUATIONS = [
    *(("i->", (3,)), ("ij->ji", (2, 3)), ("ij->j", (2, 3)), ("ij->", (2, 3)), ("ii->i", (3, 3)), ("ii", (3, 3))),
    *(("i,i->", (3,), (3,)), ("i,j->ij", (3,), (4,)), ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ik", (1, 3), (3, 4))),
    *(("bij,bjk->bik", (5, 2, 3), (5, 3, 4)), ("bnm,anm->ba", (2, 3, 4), (5, 3, 4)), ("i...->...", (3, 2, 2))),
    *(
        ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)),
        ("...ij,jk->...ik", (5, 2, 3), (3, 4)),
        ("...a,...b", (2, 3), (2, 4)),
    ),
    *(("bi,bj,bk->ijk", (2, 3), (2, 4), (2, 5)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("iij->ij", (2, 2, 3))),
    *(("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)), ("ij,ji->", (2, 3), (3, 2)), ("ij,jk->ik", (2, 0), (0, 4))),
    *(("a,b->", (2,), (3,)), ("ij , jk -> ki", (2, 3), (3, 4)), ("ba,b->ba", (3, 2), (3,))),
]


@pytest.mark.parametrize("equation", EQUATIONS, ids=str)
def test_einsum(equation):
    arrays = [np.random.default_rng(number).normal(size=shape) for number, shape in enumerate(equation[1:])]
    check_operation("einsum", lambda e, *tensors: e.einsum(equation[0], *tensors), *arrays, graph=False)


def test_einsum_of_lists():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    check_operation("lists", lambda e, a, b: e.einsum(a, [0, 1], b, [1, 2], [2, 0]), a, b, graph=False)
    check_operation("no result", lambda e, a, b: e.einsum(a, [0, 1], b, [1, 2]), a, b, graph=False)
    check_operation("dots", lambda e, a: e.einsum(a, [..., 1], [1, ...]), a, graph=False)
    check_operation("one list", lambda e, a, b: e.einsum("ij,jk", [a, b]), a, b, graph=False)


@pytest.mark.parametrize(
    "equation",
    [("ij,jk->ik", (2, 3), (4, 4)), ("ij->ii", (2, 3)), ("ij->k", (2, 3)), ("i", (2, 3)), ("ij,jk", (2, 3))]
    + [("i1", (2, 3)), ("ii", (2, 3)), ("...ij", (2,)), ("ij", (2, 3), (2, 3))],
    ids=str,
)
def test_einsum_refuses(equation):
    check_outcome("einsum", lambda e: e.einsum(equation[0], *[e.ones(*shape) for shape in equation[1:]]))


OLDER = {
    "swapaxes": lambda e, x: x.swapaxes(0, 1),
    "swapdims": lambda e, x: e.swapdims(x, 0, -1),
    "moveaxis": lambda e, x: x.moveaxis(0, 1),
    "mse, not averaged": lambda e, x: e.nn.functional.mse_loss(x, x * 2, False),
    "l1, not reduced": lambda e, x: e.nn.functional.l1_loss(x, x * 2, None, False),
    "nll, averaged": lambda e, x: e.nn.functional.nll_loss(x, e.tensor([0, 2]), None, True),
    "loss, not averaged": lambda e, x: e.nn.SmoothL1Loss(False)(x, x * 2),
    "mse by position": lambda e, x: e.nn.functional.mse_loss(x, x * 2, None, None, "sum"),
    "l1 with weights": lambda e, x: e.nn.functional.l1_loss(x, x * 2, weight=x.abs()),
    "l1 with too few weights": lambda e, x: e.nn.functional.l1_loss(x, x * 2, weight=x[0]),
    "huber with weights": lambda e, x: e.nn.functional.huber_loss(x, x * 2, weight=e.ones(2, 3, dtype=e.float64) * 2),
    "embedding": lambda e, x: e.nn.functional.embedding(e.tensor([1, 0, 1]), x, padding_idx=-1),
    "embedding beyond": lambda e, x: e.nn.functional.embedding(e.tensor([2]), x),
    "embedding of floats": lambda e, x: e.nn.functional.embedding(e.tensor([1.0]), x),
    "attention": lambda e, x: e.nn.functional.scaled_dot_product_attention(x, x, x, scale=0.3),
    "causal attention": lambda e, x: e.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True),
    "masked attention": lambda e, x: e.nn.functional.scaled_dot_product_attention(
        x, x, x, e.tensor([[True, False], [False, False]])
    ),
    "attention, mask and causal": lambda e, x: e.nn.functional.scaled_dot_product_attention(
        x, x, x, e.ones(2, 2, dtype=e.bool), is_causal=True
    ),
    "is_tensor": lambda e, x: [e.is_tensor(x), e.is_tensor(3)],
    "dropout": lambda e, x: e.nn.functional.dropout(x, 0.5, training=False),
    "no probability": lambda e, x: e.nn.functional.dropout(x, 1.5),
    "default_collate": lambda e, x: e.utils.data.default_collate([x, x]),
    "bounds of Hardtanh": lambda e, x: e.nn.Hardtanh(1.0, -1.0),
    "bilinear": lambda e, x: e.nn.functional.bilinear(x, x, e.ones(2, 3, 4, dtype=e.float64)),
}


@pytest.mark.parametrize("name", OLDER)
def test_older_names_and_arguments(name):
    x = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])
    check_outcome(name, lambda e: OLDER[name](e, e.from_numpy(x.copy())))
