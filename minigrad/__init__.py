"""minigrad: PyTorch's concepts, names and behaviour in NumPy, small enough to read and to step through.

Begin with ``tensor.py``, then ``graph/function.py`` (how the graph is recorded), ``graph/engine.py`` (how it is walked
backward) and ``ops/arithmetic.py`` (what a gradient rule looks like).

What has a name and a path of PyTorch's is its counterpart. Besides the errors that stand under "Raises", a TypeError
tells an argument of a wrong type, an IndexError a ``dim`` that is not there, and a RuntimeError shapes that do not
broadcast, a device that is not there, or, from a function whose name ends in ``_``, a tensor that may not be changed.
Examples begin after ``import minigrad``.
"""

import importlib
import sys
import warnings
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

# PyTorch computes 1/0 and log(-1) without a word; so does minigrad. Only NumPy's warnings at its own lines are meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from minigrad.tensor import Tensor  # isort: skip  (first: the whole core stands below it)

from minigrad.amp import autocast
from minigrad.attributes import Size, device
from minigrad.autograd import breakpoint_on, enable_grad, explain_grad, inference_mode, is_anomaly_enabled
from minigrad.autograd import is_grad_enabled, is_inference_mode_enabled, log_operations, no_grad, set_grad_enabled
from minigrad.compiler import compile
from minigrad.creation import *
from minigrad.dtypes import (
    bfloat16,
    bool,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
)
from minigrad.dtypes import int, int16, int32, int64, int8, long, set_default_dtype, short, uint8
from minigrad.inplace.out import TAKES_OUT, taking_out
from minigrad.kernels import reference_kernels
from minigrad.kernels.parallel import get_num_threads, set_num_threads
from minigrad.linalg.determinants import det, logdet
from minigrad.linalg.older import *
from minigrad.linalg.products import matrix_power
from minigrad.linalg.solving import cholesky_inverse, cholesky_solve, triangular_solve
from minigrad.ops.activation import sigmoid, sigmoid_
from minigrad.ops.adaptive_pooling import adaptive_avg_pool1d
from minigrad.ops.arithmetic import *
from minigrad.ops.arrangement import *
from minigrad.ops.broadcasting import *
from minigrad.ops.choosing import *
from minigrad.ops.clamping import *
from minigrad.ops.comparison import *
from minigrad.ops.combining import *
from minigrad.ops.composed import *
from minigrad.ops.convolution import *
from minigrad.ops.copying import *
from minigrad.ops.counting import *
from minigrad.ops.cutting import *
from minigrad.ops.diagonals import *
from minigrad.ops.distances import *
from minigrad.ops.division import *
from minigrad.ops.einsum import einsum
from minigrad.ops.extremes import *
from minigrad.ops.fused import *
from minigrad.ops.joining import *
from minigrad.ops.masking import *
from minigrad.ops.matmul import *
from minigrad.ops.nondifferentiable import *
from minigrad.ops.normalization import group_norm
from minigrad.ops.picking import *
from minigrad.ops.pooling import avg_pool1d, max_pool1d, max_pool1d_with_indices, max_pool2d
from minigrad.ops.powers import *
from minigrad.ops.rectifiers import relu, relu_
from minigrad.ops.quantiles import *
from minigrad.ops.recurrent import *
from minigrad.ops.reduction import *
from minigrad.ops.rounding import *
from minigrad.ops.scan import *
from minigrad.ops.scattering import *
from minigrad.ops.shape import *
from minigrad.ops.signs import *
from minigrad.ops.softmax import *
from minigrad.ops.shuffling import *
from minigrad.ops.sampling import *
from minigrad.ops.sorting import *
from minigrad.ops.special import *
from minigrad.ops.statistics import *
from minigrad.ops.striding import *
from minigrad.ops.transcendental import *
from minigrad.ops.transposition import *
from minigrad.ops.types import *
from minigrad.neighbours import watch
from minigrad.out_of_memory import OutOfMemoryError
from minigrad.printing import set_printoptions
from minigrad.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from minigrad.saving.serialization import load, save
from minigrad.settings import *
from minigrad.tensor_types import *
from minigrad.version import __version__
from minigrad import amp, autograd, cuda, linalg, nn, optim, random, return_types, utils, viz
from minigrad.viz import explain
from minigrad import models  # isort: skip  (last: networks are written with the names above)

newaxis = None  # x[:, newaxis] inserts a dimension

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"]
__all__ += ["Generator"]
__all__ += ["IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Size", "Tensor"]
__all__ += ["abs", "abs_", "absolute", "acos", "acos_", "acosh", "acosh_"]
__all__ += ["adaptive_avg_pool1d", "add", "addcdiv", "addcmul", "addmm", "addmv", "addmv_", "addr", "all", "allclose"]
__all__ += ["amax", "amin", "aminmax", "any", "arange", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_"]
__all__ += ["arcsinh", "arcsinh_", "arctan", "arctan2", "arctan_", "arctanh", "arctanh_", "argmax", "argmin", "argsort"]
__all__ += ["argwhere", "as_tensor", "asin", "asin_", "asinh", "asinh_", "atan", "atan2", "atan_", "atanh", "atanh_"]
__all__ += ["atleast_1d", "atleast_2d", "atleast_3d", "autograd", "avg_pool1d", "baddbmm", "bernoulli", "bitwise_and"]
__all__ += ["bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "bmm", "bool"]
__all__ += ["breakpoint_on", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "can_cast"]
__all__ += ["cat", "ceil", "ceil_", "channel_shuffle", "chunk"]
__all__ += ["clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_", "clone", "concat"]
__all__ += ["concatenate", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
__all__ += ["cos", "cos_", "cosh", "cosh_"]
__all__ += ["count_nonzero", "cuda", "cummax", "cummin", "cumprod", "cumsum", "default_generator", "detach", "device"]
__all__ += ["diag", "diag_embed", "diagonal", "diff", "div", "divide", "dot", "double", "dstack", "dtype", "e"]
__all__ += ["einsum", "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "erf_", "exp", "exp2", "exp2_"]
__all__ += ["exp_", "explain", "explain_grad", "expm1", "expm1_", "eye", "fill_", "finfo"]
__all__ += ["fix", "fix_", "flatten", "flip"]
__all__ += ["fliplr", "flipud", "float", "float16", "float32", "float64", "floor", "floor_", "floor_divide", "fmod"]
__all__ += ["frac", "frac_", "from_dlpack", "from_numpy", "full", "full_like", "gather", "ge"]
__all__ += ["ger", "get_default_dtype"]
__all__ += ["get_num_threads", "get_rng_state", "greater", "greater_equal", "group_norm", "gt", "half", "hstack"]
__all__ += ["iinfo", "index_add", "index_copy", "index_fill", "index_put", "index_put_", "index_select", "inf"]
__all__ += ["inference_mode", "initial_seed", "inner", "int", "int8", "int16", "int32", "int64", "is_anomaly_enabled"]
__all__ += ["is_complex", "is_floating_point", "is_grad_enabled", "is_inference_mode_enabled", "is_nonzero"]
__all__ += ["is_same_size", "is_signed", "is_tensor", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf"]
__all__ += ["kthvalue", "le", "lerp", "less", "less_equal", "linalg", "linspace", "load", "log", "log1p", "log1p_"]
__all__ += ["log2", "log2_", "log10", "log10_", "log_"]
__all__ += ["log_operations", "log_softmax", "logaddexp", "logical_and", "logical_not"]
__all__ += ["logical_or", "logical_xor", "logsumexp", "long", "lt", "manual_seed", "masked_fill", "masked_scatter"]
__all__ += ["masked_select", "matmul", "max", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "maximum", "mean"]
__all__ += ["median", "meshgrid", "min", "minimum", "mm", "models", "moveaxis", "movedim", "msort", "mul"]
__all__ += ["multinomial", "multiply", "mv", "nan", "nan_to_num", "nan_to_num_", "nanmean", "nanmedian", "nansum"]
__all__ += ["narrow", "ne", "neg", "neg_", "negative", "negative_", "newaxis", "nn", "no_grad", "nonzero", "norm"]
__all__ += ["normal", "not_equal", "numel", "ones", "ones_like", "optim", "outer", "permute", "pi", "pixel_shuffle"]
__all__ += ["pixel_unshuffle", "positive", "pow", "prod", "promote_types", "rand", "rand_like", "randint"]
__all__ += ["randint_like", "randn", "randn_like", "random", "randperm", "ravel", "reciprocal", "reciprocal_"]
__all__ += ["reference_kernels", "relu", "relu_", "remainder", "repeat_interleave", "reshape", "result_type"]
__all__ += ["return_types", "roll", "rot90", "round", "round_", "row_stack", "rsqrt", "rsqrt_", "rsub", "save"]
__all__ += ["scatter", "scatter_add", "seed", "select", "set_default_dtype", "set_grad_enabled", "set_num_threads"]
__all__ += ["set_printoptions", "set_rng_state", "sgn", "short", "sigmoid", "sigmoid_", "sign", "sin", "sin_", "sinh"]
__all__ += ["sinh_", "softmax", "sort", "split", "split_with_sizes", "sqrt", "sqrt_", "square", "square_", "squeeze"]
__all__ += ["stack", "std", "std_mean", "sub", "subtract", "sum", "swapaxes", "swapdims", "t", "take", "take_along_dim"]
__all__ += ["tan", "tan_", "tanh", "tanh_", "tensor", "tensor_split", "tensordot", "tile", "topk", "trace", "transpose"]
__all__ += ["tril", "triu", "true_divide", "trunc", "trunc_", "uint8", "unbind", "unflatten", "unique"]
__all__ += ["unique_consecutive", "unsqueeze", "utils", "var", "var_mean", "vdot", "viz", "vstack", "where", "zero_"]
__all__ += ["zeros", "zeros_like"]
__all__ += ["dsplit", "hsplit", "hypot", "range", "vsplit"]
__all__ += ["chain_matmul", "cholesky_inverse", "cholesky_solve", "cross", "det", "inverse", "logdet", "matrix_power"]
__all__ += ["pinverse", "slogdet", "svd", "triangular_solve", "vander"]
__all__ += ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]
__all__ += ["binomial", "digamma", "erfc", "erfc_", "erfinv", "lgamma", "logit", "logit_", "mvlgamma", "poisson"]
__all__ += ["polygamma", "xlogy", "xlogy_"]
__all__ += ["amp", "are_deterministic_algorithms_enabled", "autocast", "compile", "get_default_device"]
__all__ += ["get_deterministic_debug_mode", "get_float32_matmul_precision", "get_num_interop_threads"]
__all__ += ["is_autocast_enabled", "is_deterministic_algorithms_warn_only_enabled", "set_default_device"]
__all__ += ["set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal"]
__all__ += ["set_num_interop_threads", "use_deterministic_algorithms"]
__all__ += ["addbmm", "as_strided", "bincount", "block_diag", "bucketize", "cartesian_prod", "cdist", "column_stack"]
__all__ += ["combinations", "copysign", "corrcoef", "cov", "cumulative_trapezoid", "deg2rad", "deg2rad_", "diagflat"]
__all__ += ["dist", "float_power", "fmax", "fmin", "gcd", "gcd_", "heaviside", "histc", "histogram", "is_inference"]
__all__ += ["isin", "kron", "lcm", "lcm_", "ldexp", "ldexp_", "logaddexp2", "logspace", "mode", "nanquantile"]
__all__ += ["pdist", "put", "quantile", "rad2deg", "rad2deg_", "renorm", "scatter_reduce", "searchsorted", "signbit"]
__all__ += ["sinc", "sinc_", "trapezoid", "trapz", "tril_indices", "triu_indices"]


for name in TAKES_OUT.split():
    globals()[name] = taking_out(globals()[name])
del name


# Families that most programs do without: imported when they are first named.
LOADED_ON_USE = ("accelerator", "backends", "cpu", "distributed", "distributions", "jit", "lightning", "mps", "xpu")

if TYPE_CHECKING:
    from minigrad import accelerator, backends, cpu, distributed, distributions, jit, lightning, mps, xpu
else:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        if name in LOADED_ON_USE:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(
            f"minigrad has no {name!r}: it has a part of PyTorch's names, those in minigrad.__all__; what is left out "
            f"is told in docs/differences.md",
            name=name,
            obj=sys.modules[__name__],
        )


def __dir__() -> list[str]:
    return sorted({*globals(), *LOADED_ON_USE})


watch()  # for libraries that the program imports
