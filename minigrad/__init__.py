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
from minigrad.attributes import Size, channels_last, channels_last_3d, contiguous_format, device, memory_format
from minigrad.attributes import layout, preserve_format, strided
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
from minigrad.linalg.solving import det, logdet
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
from minigrad.ops.linear import bilinear
from minigrad.ops.margin_losses import cosine_similarity, pairwise_distance
from minigrad.ops.masking import *
from minigrad.ops.matmul import *
from minigrad.ops.nondifferentiable import *
from minigrad.ops.normalization import group_norm, layer_norm, rms_norm
from minigrad.ops.picking import *
from minigrad.ops.pooling import avg_pool1d, max_pool1d, max_pool1d_with_indices, max_pool2d
from minigrad.ops.powers import *
from minigrad.ops.rectifiers import celu, celu_, hardshrink, prelu, relu, relu_, rrelu, rrelu_, selu, selu_
from minigrad.ops.rectifiers import threshold, threshold_
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
from minigrad.left_out import why_left_out
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

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "Generator"]
__all__ += ["HalfTensor", "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Size", "Tensor", "abs", "abs_"]
__all__ += ["absolute", "acos", "acos_", "acosh", "acosh_", "adaptive_avg_pool1d", "add", "addbmm", "addcdiv"]
__all__ += ["addcmul", "addmm", "addmv", "addmv_", "addr", "adjoint", "all", "allclose", "amax", "amin", "aminmax"]
__all__ += ["amp", "any", "arange", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh"]
__all__ += ["arcsinh_", "arctan", "arctan2", "arctan_", "arctanh", "arctanh_", "are_deterministic_algorithms_enabled"]
__all__ += ["argmax", "argmin", "argsort", "argwhere", "as_strided", "as_tensor", "asarray", "asin", "asin_", "asinh"]
__all__ += ["asinh_", "atan", "atan2", "atan_", "atanh", "atanh_", "atleast_1d", "atleast_2d", "atleast_3d", "autocast"]
__all__ += ["autograd", "avg_pool1d", "baddbmm", "bernoulli", "bilinear", "bincount", "binomial", "bitwise_and"]
__all__ += ["bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "block_diag"]
__all__ += ["bmm", "bool", "breakpoint_on", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "bucketize"]
__all__ += ["can_cast", "cartesian_prod", "cat", "cdist", "ceil", "ceil_", "celu", "celu_", "chain_matmul"]
__all__ += ["channel_shuffle", "channels_last", "channels_last_3d", "cholesky_inverse", "cholesky_solve", "chunk"]
__all__ += ["clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_", "clone"]
__all__ += ["column_stack", "combinations", "compile", "concat", "concatenate", "conj", "conj_physical"]
__all__ += ["contiguous_format", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"]
__all__ += ["conv_transpose3d", "copysign", "corrcoef", "cos", "cos_", "cosh", "cosh_", "cosine_similarity"]
__all__ += ["count_nonzero", "cov", "cross", "cuda", "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid"]
__all__ += ["default_generator", "deg2rad", "deg2rad_", "det", "detach", "device", "diag", "diag_embed", "diagflat"]
__all__ += ["diagonal", "diff", "digamma", "dist", "div", "divide", "dot", "double", "dsplit", "dstack", "dtype", "e"]
__all__ += ["einsum", "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "erf_", "erfc", "erfc_", "erfinv"]
__all__ += ["exp", "exp2", "exp2_", "exp_", "explain", "explain_grad", "expm1", "expm1_", "eye", "fill_", "finfo"]
__all__ += ["fix", "fix_", "flatten", "flip", "fliplr", "flipud", "float", "float16", "float32", "float64"]
__all__ += ["float_power", "floor", "floor_", "floor_divide", "fmax", "fmin", "fmod", "frac", "frac_", "from_dlpack"]
__all__ += ["from_numpy", "frombuffer", "full", "full_like", "gather", "gcd", "gcd_", "ge", "ger", "get_default_device"]
__all__ += ["get_default_dtype", "get_deterministic_debug_mode", "get_float32_matmul_precision"]
__all__ += ["get_num_interop_threads", "get_num_threads", "get_rng_state", "greater", "greater_equal", "group_norm"]
__all__ += ["gru", "gru_cell", "gt", "half", "hardshrink", "heaviside", "histc", "histogram", "hsplit", "hstack"]
__all__ += ["hypot", "iinfo", "index_add", "index_copy", "index_fill", "index_put", "index_put_", "index_select", "inf"]
__all__ += ["inference_mode", "initial_seed", "inner", "int", "int8", "int16", "int32", "int64", "inverse"]
__all__ += ["is_anomaly_enabled", "is_autocast_enabled", "is_complex", "is_conj"]
__all__ += ["is_deterministic_algorithms_warn_only_enabled", "is_floating_point", "is_grad_enabled", "is_inference"]
__all__ += ["is_inference_mode_enabled", "is_neg", "is_nonzero", "is_same_size", "is_signed", "is_tensor", "isclose"]
__all__ += ["isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "kron", "kthvalue", "layer_norm", "layout"]
__all__ += ["lcm", "lcm_", "ldexp", "ldexp_", "le", "lerp", "less", "less_equal", "lgamma", "linalg", "linspace"]
__all__ += ["load", "log", "log1p", "log1p_", "log2", "log2_", "log10", "log10_", "log_", "log_operations"]
__all__ += ["log_softmax", "logaddexp", "logaddexp2", "logdet", "logical_and", "logical_not", "logical_or"]
__all__ += ["logical_xor", "logit", "logit_", "logspace", "logsumexp", "long", "lstm", "lstm_cell", "lt", "manual_seed"]
__all__ += ["masked_fill", "masked_scatter", "masked_select", "matmul", "matrix_power", "max", "max_pool1d"]
__all__ += ["max_pool1d_with_indices", "max_pool2d", "maximum", "mean", "median", "memory_format", "meshgrid", "min"]
__all__ += ["minimum", "mm", "mode", "models", "moveaxis", "movedim", "msort", "mul", "multinomial", "multiply", "mv"]
__all__ += ["mvlgamma", "nan", "nan_to_num", "nan_to_num_", "nanmean", "nanmedian", "nanquantile", "nansum", "narrow"]
__all__ += ["ne", "neg", "neg_", "negative", "negative_", "newaxis", "nn", "no_grad", "nonzero", "norm", "normal"]
__all__ += ["not_equal", "numel", "ones", "ones_like", "optim", "outer", "pairwise_distance", "pdist", "permute", "pi"]
__all__ += ["pinverse", "pixel_shuffle", "pixel_unshuffle", "poisson", "polygamma", "positive", "pow", "prelu"]
__all__ += ["preserve_format", "prod", "promote_types", "put", "quantile", "rad2deg", "rad2deg_", "rand", "rand_like"]
__all__ += ["randint", "randint_like", "randn", "randn_like", "random", "randperm", "range", "ravel", "real"]
__all__ += ["reciprocal", "reciprocal_", "reference_kernels", "relu", "relu_", "remainder", "renorm"]
__all__ += ["repeat_interleave", "reshape", "resolve_conj", "resolve_neg", "result_type", "return_types", "rms_norm"]
__all__ += ["rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "roll", "rot90", "round", "round_", "row_stack"]
__all__ += ["rrelu", "rrelu_", "rsqrt", "rsqrt_", "rsub", "save", "scatter", "scatter_add", "scatter_reduce"]
__all__ += ["searchsorted", "seed", "select", "selu", "selu_", "set_default_device", "set_default_dtype"]
__all__ += ["set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal", "set_grad_enabled"]
__all__ += ["set_num_interop_threads", "set_num_threads", "set_printoptions", "set_rng_state", "sgn", "short"]
__all__ += ["sigmoid", "sigmoid_", "sign", "signbit", "sin", "sin_", "sinc", "sinc_", "sinh", "sinh_", "slogdet"]
__all__ += ["softmax", "sort", "split", "split_with_sizes", "sqrt", "sqrt_", "square", "square_", "squeeze", "stack"]
__all__ += ["std", "std_mean", "strided", "sub", "subtract", "sum", "svd", "swapaxes", "swapdims", "t", "take"]
__all__ += ["take_along_dim", "tan", "tan_", "tanh", "tanh_", "tensor", "tensor_split", "tensordot", "threshold"]
__all__ += ["threshold_", "tile", "topk", "trace", "transpose", "trapezoid", "trapz", "triangular_solve", "tril"]
__all__ += ["tril_indices", "triu", "triu_indices", "true_divide", "trunc", "trunc_", "uint8", "unbind", "unflatten"]
__all__ += ["unique", "unique_consecutive", "unsqueeze", "use_deterministic_algorithms", "utils", "vander", "var"]
__all__ += ["var_mean", "vdot", "viz", "vsplit", "vstack", "where", "xlogy", "xlogy_", "zero_", "zeros", "zeros_like"]


for name in TAKES_OUT.split():
    globals()[name] = taking_out(name, globals()[name])
del name


# Families that most programs do without: imported when they are first named.
LOADED_ON_USE = ["accelerator", "backends", "cpu", "distributed", "distributions", "func", "functional", "jit"]
LOADED_ON_USE += ["lightning", "mps", "testing", "xpu"]

if TYPE_CHECKING:
    from minigrad import accelerator, backends, cpu, distributed, distributions, func, functional, jit, lightning
    from minigrad import mps, testing, xpu
    from minigrad.func import vmap
else:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        if name in LOADED_ON_USE:
            return importlib.import_module(f"{__name__}.{name}")
        if name == "vmap":
            return importlib.import_module(f"{__name__}.func").vmap
        reason = why_left_out(name) or (
            ": it has a part of PyTorch's names, those in minigrad.__all__; what is left out is told in "
            "docs/differences.md"
        )
        raise AttributeError(f"minigrad has no {name!r}{reason}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*globals(), *LOADED_ON_USE, "vmap"})


watch()  # for libraries that the program imports
