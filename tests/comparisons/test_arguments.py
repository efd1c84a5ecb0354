"""Nonsense arguments: what PyTorch refuses is refused with an exception of its type, in words of our own.

Of each valid call every argument is replaced by what is none, left out, and one more is added. ``CALLS`` has the calls:
arguments before the bar, what is called with them after it.
"""

import random
import re

import numpy as np
import pytest
import torch
import torch.utils.data

import minigrad
import minigrad.utils.data
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("unmeasured")]

CALLS = """
x | abs neg positive reciprocal exp log sqrt sin tanh erf sigmoid relu acos square exp2 rsqrt sign ceil round
    trunc frac clone detach is_floating_point is_signed is_complex is_tensor sum mean max norm ravel atleast_1d
    atleast_2d atleast_3d numel t fliplr flipud diag_embed msort median nonzero argwhere all argmax unique
    unique_consecutive isnan isinf isfinite isposinf logical_not zeros_like empty_like rand_like randn_like
    F.selu F.gelu F.silu F.mish F.hardsigmoid F.hardswish F.logsigmoid F.relu F.relu6 F.softsign F.tanhshrink
    linalg.norm layer nn.BatchNorm1d(3) nn.LayerNorm(3) nn.Dropout(0.5) nn.ReLU() nn.GELU() nn.Softmax(1)
    nn.PReLU() nn.Sequential(layer) nn.init.kaiming_normal_ nn.init.orthogonal_ nn.init.zeros_ nn.init.eye_
x y | add sub mul div true_divide floor_divide remainder fmod rsub atan2 logaddexp maximum minimum is_same_size
    max min broadcast_tensors eq ne ge gt le equal isclose allclose logical_and logical_or logical_xor
    result_type F.huber_loss F.l1_loss F.mse_loss nn.MSELoss() nn.SmoothL1Loss() utils.data.TensorDataset
x 2 | pow linalg.vector_norm
x 0.0 1.0 | clamp clip nn.init.normal_ nn.init.uniform_ nn.init.trunc_normal_
x 0.0 | clamp_min nan_to_num
x 1.0 | clamp_max F.celu F.elu nn.init.constant_ nn.init.xavier_uniform_
x y y | addcdiv
x y y value=2 | addcdiv addcmul
x y 0.5 | lerp
one | is_nonzero loss.backward
x 0 | sum nanmean nansum amin min std var var_mean std_mean cummax cummin cumprod cumsum squeeze unsqueeze
    unbind median nanmedian count_nonzero all any argmin
x dim=1 keepdim=True | sum
x 0 dtype=float64 | sum
x 0 True | mean prod amax max sort argsort argmax
row (2,3) | broadcast_to
x dim=0 keepdim=True | aminmax
x 1 | log_softmax softmax lt F.softmax F.log_softmax F.softmin
x 1 float64 | softmax
x 1 True | logsumexp
x 2.0 1 | norm F.normalize
x dim=0 correction=0 keepdim=True | std
x 1 0 | diff split roll topk kthvalue
x (3,2) | reshape
x 0 1 | flatten transpose swapaxes swapdims movedim moveaxis select
x 1 (3,1) | unflatten
v w | meshgrid outer ger
x (1,0) | permute
(2,3) (3,) | broadcast_shapes
[x,y] 0 | cat stack concat
[x,y] | hstack vstack dstack
x [1,1] 0 | split_with_sizes
x 2 0 | chunk tensor_split repeat_interleave
x 0 0 1 | narrow diag_embed
x (2,) | tile
x [0] | flip
x 1 [0,1] | rot90
x j 1 | repeat_interleave
s | diag trace linalg.matrix_norm
s 1 | diag tril triu
s 0 0 1 | diagonal
x 0 i | gather
x 0 i y | scatter scatter_add
x 0 i 1.5 | scatter
x 0 labels | index_select
x 0 labels y | index_add index_copy
x 0 labels 1.5 | index_fill
x (labels,) one | index_put
x j | take
x i 0 | take_along_dim
x m 1.5 | masked_fill
x m one | masked_fill
x m y | masked_scatter
x m | masked_select
m x y | where
m x 1.0 | where
m | where
x True True True | unique
x y 0.1 0.1 | isclose
i i | bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift
i | bitwise_not i.__and__ nn.Embedding(5,3)
x s | matmul mm F.linear x.addmm_
b b | bmm
x v | mv
v v | dot vdot inner
x x s | addmm
x x s beta=1 alpha=2 | addmm
w x v | addmv
x w v | addr
b b b | baddbmm F.scaled_dot_product_attention
x s 1 | tensordot
'ij,jk->ik' x s | einsum
p | bernoulli nn.BCEWithLogitsLoss
p 0.5 | bernoulli
p 2 | multinomial
x p | normal F.binary_cross_entropy_with_logits F.cross_entropy nn.KLDivLoss(reduction='sum')
0.0 1.0 (2,3) | normal
1.5 | tensor x.fill_
[1.0,2.0] | tensor
[1,2] dtype=float64 requires_grad=False | tensor
[1.0] | as_tensor x.new_tensor
array | from_numpy
(2,3) 1.5 | full x.new_full
(2,3) 1.5 dtype=float64 | full
2 3 | zeros ones empty rand randn x.expand x.new_zeros
(2,3) | zeros rand x.expand x.new_zeros
(2,3) dtype=float64 | zeros
(2,3) requires_grad=True | ones
0 5 (2,3) | randint
5 (2,3) | randint
5 | randperm arange
0 5 | arange x.random_
0 5 1 | arange
0 5 1 dtype=float64 | arange
0 1 5 | linspace
0 1 5 dtype=float64 | linspace
3 | eye nn.BatchNorm2d nn.Upsample
3 2 | eye x.view x.reshape
x dtype=float64 | ones_like
x 1.5 | full_like
x 5 | randint_like
x 0 5 | randint_like
float32 float64 | promote_types can_cast
[1,2] | Size
float32 | finfo
int64 | iinfo
img 2 | group_norm max_pool2d pixel_unshuffle F.adaptive_avg_pool2d F.avg_pool2d F.unfold
seq k1 | conv1d
seq k1 bias 1 0 1 1 | conv1d
img k2 | conv2d
img k2 bias 1 0 1 1 | conv2d
img k2 bias (1,1) (0,0) (1,1) 1 | conv2d
img k2 bias 1 'same' | conv2d
seq k1t | conv_transpose1d
img k2t bias2 1 0 0 1 1 | conv_transpose2d
seq 2 | max_pool1d F.adaptive_avg_pool1d F.adaptive_max_pool1d
img 2 2 0 1 | max_pool2d
seq 2 2 0 | avg_pool1d
pix 2 | pixel_shuffle
img (2,2) | F.adaptive_avg_pool2d F.adaptive_max_pool2d
img 2 2 0 False True 3 | F.avg_pool2d
img rm rv | F.batch_norm
img rm rv rv rm True 0.1 1e-5 | F.batch_norm F.instance_norm
x x bil | F.bilinear
x x bil bias2 | F.bilinear
p p | F.binary_cross_entropy nn.BCELoss()
p p p reduction='sum' | F.binary_cross_entropy
x p p reduction='sum' pos_weight=v | F.binary_cross_entropy_with_logits
x 1.0 False | F.elu
x approximate='tanh' | F.gelu
even 1 | F.glu
x 0.5 | F.hardshrink F.softshrink F.dropout
x -1.0 1.0 | F.hardtanh
x 0.1 | F.leaky_relu
x slope | F.prelu
x 1.0 20.0 | F.softplus
x 0.1 0.2 | F.threshold
x dim=1 dtype=float64 | F.softmax
x y ww | F.cosine_embedding_loss
x y 1 1e-8 | F.cosine_similarity
x labels | F.cross_entropy F.nll_loss nn.CrossEntropyLoss() nn.NLLLoss()
x labels v ignore_index=-100 reduction='sum' label_smoothing=0.1 | F.cross_entropy
x labels v ignore_index=-100 reduction='sum' | F.nll_loss
x 0.5 True False | F.dropout
seq 0.5 | F.dropout1d
img 0.5 | F.dropout2d
i table | F.embedding
i table 1 | F.embedding
i table max_norm=1.0 norm_type=2.0 | F.embedding
cols (4,4) (2,2) | F.fold
img (2,2) 1 0 1 | F.unfold
x sgn 1.0 | F.hinge_embedding_loss
x y 'sum' 1.0 | F.huber_loss
x p reduction='sum' | F.kl_div
x y reduction='sum' | F.l1_loss F.mse_loss
x y reduction='sum' beta=1.0 | F.smooth_l1_loss
v v v 0.5 | F.margin_ranking_loss
x y p 1.0 | F.triplet_margin_loss
x (3,) | F.layer_norm
x (3,) v v 1e-5 | F.layer_norm
x (3,) v 1e-5 | F.rms_norm
img 2 rv rm 1e-5 | F.group_norm
img | F.instance_norm nn.Conv2d(2,3,2) nn.BatchNorm2d(2) nn.MaxPool2d(2) nn.AvgPool2d(2) nn.AdaptiveAvgPool2d(2)
    nn.Flatten() nn.Upsample(scale_factor=2) nn.GroupNorm(2,2) nn.ConvTranspose2d(2,3,2)
img 3 | F.interpolate
img scale_factor=2.0 | F.interpolate
img (3,3) mode='bilinear' align_corners=False | F.interpolate
x s v | F.linear
labels 3 | F.one_hot
x (1,1) | F.pad
x (1,1) 'constant' 0.5 | F.pad
seq (1,1) 'reflect' | F.pad
x y 2.0 | F.pairwise_distance
seq 2 2 0 1 | F.max_pool1d
img 2 2 0 1 False True | F.max_pool2d
b b b am 0.0 False | F.scaled_dot_product_attention
b b b is_causal=True scale=0.5 | F.scaled_dot_product_attention
s 'fro' | linalg.norm
y | x.add_ x.sub_ x.mul_ x.div_ x.copy_ x.expand_as x.view_as x.reshape_as x.to x.type_as x.eq_
2 | x.pow_ x.new_ones nn.AdaptiveAvgPool2d nn.PixelShuffle nn.Unfold
| loss.backward one.item x.numpy opt.step
retain_graph=True | loss.backward
0.5 | x.bernoulli_ nn.Dropout nn.Dropout2d
0 1 | x.normal_ x.uniform_ x.transpose_
1.0 | x.exponential_ s.fill_diagonal_ nn.CELU nn.ELU nn.TripletMarginLoss
0.0 1.0 | x.clamp_
2 1 | x.repeat
(2,1) | x.repeat
(3,2) | x.view
1 0 | x.permute
0 | x.flip x.size x.stride x.unsqueeze_ x.squeeze_ x.cumsum_
float64 | x.to x.type layer.to
'cpu' | x.to
True | x.requires_grad_ layer.train layer.requires_grad_
0 i y | x.scatter_ x.scatter_add_
0 i 1.0 | x.scatter_
0 labels y | x.index_add_ x.index_copy_
0 labels 1.0 | x.index_fill_
m 1.5 | x.masked_fill_
m y | x.masked_scatter_ x.where
1 | s.tril_ nn.Softmax
1 2 1 | x.unfold
y 0.5 | x.lerp_
y y | x.addcmul_
'none' | nn.GELU
-1 | nn.GLU
2 2 0 | nn.AvgPool2d
p reduction='sum' | nn.BCELoss
3 1e-5 0.1 True True | nn.BatchNorm1d
3 3 2 | nn.Bilinear
2 3 1 | nn.Conv1d
2 3 2 1 0 1 1 True 'zeros' | nn.Conv2d
2 3 2 1 0 0 1 | nn.ConvTranspose2d
1 1e-8 | nn.CosineSimilarity
v reduction='sum' | nn.CrossEntropyLoss
5 3 1 | nn.Embedding
0 -1 | nn.Flatten
(4,4) (2,2) | nn.Fold
2 4 | nn.GroupNorm
-1.0 1.0 | nn.Hardtanh
'mean' 1.0 | nn.HuberLoss
(3,) | nn.LayerNorm nn.RMSNorm
0.1 | nn.LeakyReLU
3 2 True | nn.Linear
2 2 | nn.MaxPool2d
{} | nn.ModuleDict
[layer] | nn.ModuleList
4 2 0.0 | nn.MultiheadAttention
v | nn.NLLLoss
1 0.25 | nn.PReLU
x True | nn.Parameter
[x] | nn.ParameterList nn.utils.parameters_to_vector
layer layer | nn.Sequential
1.0 20.0 | nn.Softplus
0.1 0.2 | nn.Threshold
4 2 8 0.1 | nn.TransformerEncoderLayer
1 (3,1) | nn.Unflatten
scale_factor=2.0 | nn.Upsample
state | layer.load_state_dict
'q' None | layer.register_parameter
'q' x | layer.register_buffer
'q' layer | layer.add_module
hook | layer.apply layer.register_forward_hook
'weight' | layer.get_parameter
seq | nn.Conv1d(2,3,2)
q q q | nn.MultiheadAttention(4,2)
q | nn.TransformerEncoderLayer(4,2,8)
x x | nn.Bilinear(3,3,2)
[layer.weight] 1.0 | nn.utils.clip_grad_norm_
[layer.weight] 1.0 2.0 | nn.utils.clip_grad_norm_
v [layer.bias] | nn.utils.vector_to_parameters
x 0 'fan_in' 'relu' | nn.init.kaiming_uniform_
'relu' | nn.init.calculate_gain
params 0.1 | optim.SGD optim.Adam optim.AdamW optim.Adagrad optim.NAdam
params 0.1 momentum=0.9 weight_decay=0.1 nesterov=False | optim.SGD
params 0.1 (0.9,0.99) 1e-8 0.1 | optim.Adam
params 0.1 0.9 | optim.RMSprop
opt 2 0.1 | optim.lr_scheduler.StepLR
opt [1,2] 0.1 | optim.lr_scheduler.MultiStepLR
opt 0.1 | optim.lr_scheduler.ExponentialLR
opt 5 | optim.lr_scheduler.CosineAnnealingLR
opt 0.1 5 | optim.lr_scheduler.OneCycleLR
opt 'min' 0.1 | optim.lr_scheduler.ReduceLROnPlateau
opt.state_dict() | opt.load_state_dict
{'params':[x]} | opt.add_param_group
loss leaf | autograd.grad
loss [leaf] one | autograd.grad
loss | autograd.backward
loss one | autograd.backward
data 2 | utils.data.DataLoader
data 2 False | utils.data.DataLoader
data [0] | utils.data.Subset
data [1,1] | utils.data.random_split
"""

NONSENSE = ["[1.0, 2.0]", "None", "'nonsense'", "i", "tensor([True, False])", "1.5", "True", "tensor([])", "array"]
NONSENSE += ["object()", "2**70", "-100", "ones(5, 7)", "(1.5, 2)", "one", "{}", "[x]", "x"]

VALUES = {
    "x": "r(2, 3)", "y": "r(2, 3)", "s": "r(3, 3)", "v": "r(3)", "w": "r(2)", "row": "r(1, 3)", "p": "r(2, 3) * 0.5",
    "i": "tensor([[0, 1, 0], [1, 0, 1]])", "j": "tensor([0, 1, 2])", "m": "r(2, 3) > 0.5", "labels": "tensor([0, 1])",
    "one": "tensor(1.0)", "b": "r(2, 4, 4)", "am": "r(4, 4)", "img": "r(1, 2, 6, 6)", "seq": "r(1, 2, 6)",
    "k1": "r(3, 2, 2)", "k2": "r(3, 2, 2, 2)", "k1t": "r(2, 3, 2)", "k2t": "r(2, 3, 2, 2)", "bias": "r(3)",
    "pix": "r(1, 4, 3, 3)", "rm": "r(2)", "rv": "r(2)", "bil": "r(3, 3, 3)", "even": "r(2, 4)", "slope": "r(1)",
    "ww": "tensor([1.0, -1.0])", "table": "r(5, 3)", "cols": "r(1, 8, 9)", "sgn": "(r(2, 3) - 0.5).sign()",
    "q": "r(2, 3, 4)", "layer": "nn.Linear(3, 2)", "state": "layer.state_dict()", "params": "list(layer.parameters())",
    "opt": "optim.SGD(params, 0.1)", "leaf": "tensor([1.0, 2.0], requires_grad=True)", "loss": "(leaf * 2).sum()",
    "data": "utils.data.TensorDataset(x, y)", "F": "nn.functional", "bias2": "r(3)",
}  # fmt: skip

OF_NUMPY = re.compile(
    r"operands could not be|only integer scalar|ufunc|could not be broadcast together|setting an array|inhomogeneous|"
    r"cannot reshape array|for array: array is|out of bounds for axis|truth value of an array|casting rule|"
    r"object has no attribute"
)


class Namespace(dict):
    """An engine's names and ``VALUES``, made when they are first asked for."""

    def __init__(self, engine):
        self.engine = engine
        self.update(float=float, int=int, list=list, object=object, array=np.ones((2, 3), np.float32))
        self["r"] = lambda *shape: engine.tensor(np.random.RandomState(len(shape)).rand(*shape).astype(np.float32))
        self["hook"] = lambda *arguments: None

    def __missing__(self, name):
        self[name] = eval(VALUES[name], {}, self) if name in VALUES else getattr(self.engine, name)
        return self[name]


def nonsense_calls():
    """Of each call: what is called, and its arguments as they are written, one of them nonsense."""
    for line in re.split(r"\n(?! )", CALLS.strip()):
        arguments, _, names = line.partition("|")
        given = arguments.split()
        for name in names.split():
            for place, argument in enumerate(given):
                keyword = re.match(r"\w+=|", argument)[0]
                for bad in NONSENSE:
                    yield name, [*given[:place], keyword + bad, *given[place + 1 :]]
                yield name, given[:place] + given[place + 1 :]
            yield name, [*(each for each in given if "=" not in each), "object()"]
            yield name, [*given, "nonsense=1"]


def refusal(engine, name, arguments):
    """The exception that a call raises, or None."""
    names = Namespace(engine)
    try:
        result = eval(f"{name}({', '.join(arguments)})", {}, names)
    except Exception as error:
        return error
    return TypeError() if result is NotImplemented else None


def test_what_pytorch_refuses_is_refused_alike():
    calls = random.Random(0).sample(list(nonsense_calls()), 4000 if THOROUGH else 2000)
    different, of_numpy = [], []
    for name, arguments in calls:
        ours, theirs = (refusal(engine, name, arguments) for engine in (minigrad, torch))
        if type(ours) is not type(theirs):
            different.append(f"{name}({', '.join(arguments)}): ours {ours!r}, theirs {theirs!r}")
        if OF_NUMPY.search(str(ours)) and not OF_NUMPY.search(str(theirs)):  # some of PyTorch's are Python's too
            of_numpy.append(f"{name}({', '.join(arguments)}): {ours!r}")
    assert not of_numpy, "\n".join(of_numpy)
    assert len(different) <= 0.03 * len(calls), "\n".join(different)


@pytest.mark.parametrize(
    "index",
    [(5, 5), (11,), (slice(None), 5), (5, [5]), (..., 5), (None, 5, 5), (..., None, 7), (True, 2, 7)],
)
def test_an_index_error_names_the_dimension_that_pytorch_names(index):
    texts = []
    for engine in (torch, minigrad):
        with pytest.raises(IndexError) as refused:
            engine.ones(10, 5)[index]
        texts.append(str(refused.value))
    assert texts[0] == texts[1]


def test_what_passed_once_is_not_taken_for_all_that_follows():
    """The gate remembers types: no bool for an integer, no larger tensor for a number, no float in a list."""
    x, softplus = minigrad.ones(2, 3), minigrad.nn.functional.softplus
    assert minigrad.softmax(x, 1).shape == x.shape == softplus(x, minigrad.tensor(1.0)).shape
    assert minigrad.nn.functional.layer_norm(x, [3]).shape == x.shape
    for call in (
        lambda: minigrad.softmax(x, True),
        lambda: softplus(x, x),
        lambda: minigrad.nn.functional.layer_norm(x, [3.0]),
        lambda: minigrad.arange(0, None),
        lambda: minigrad.sum(x, minigrad.tensor([])),
        lambda: minigrad.tril(x, 1.5),
        lambda: minigrad.Size([1, 2.5]),
        lambda: minigrad.scatter(x, 0, minigrad.zeros(2, 3, dtype=minigrad.int64), None),
    ):
        with pytest.raises(TypeError):
            call()
