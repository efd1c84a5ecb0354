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
from minigrad.ops.masking import *
from minigrad.ops.matmul import *
from minigrad.ops.nondifferentiable import *
from minigrad.ops.normalization import group_norm
from minigrad.ops.picking import *
from minigrad.ops.pooling import avg_pool1d, max_pool1d, max_pool1d_with_indices, max_pool2d
from minigrad.ops.powers import *
from minigrad.ops.rectifiers import hardshrink, relu, relu_, threshold, threshold_
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
__all__ += ["addcmul", "addmm", "addmv", "addmv_", "addr", "adjoint"]
__all__ += ["all", "allclose", "amax", "amin", "aminmax", "amp", "any"]
__all__ += ["arange", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh", "arcsinh_", "arctan"]
__all__ += ["arctan2", "arctan_", "arctanh", "arctanh_", "are_deterministic_algorithms_enabled", "argmax", "argmin"]
__all__ += ["argsort", "argwhere", "as_strided", "as_tensor", "asarray", "asin", "asin_", "asinh", "asinh_", "atan"]
__all__ += ["atan2", "atan_", "atanh", "atanh_", "atleast_1d", "atleast_2d", "atleast_3d", "autocast", "autograd"]
__all__ += ["avg_pool1d", "baddbmm", "bernoulli", "bincount", "binomial", "bitwise_and", "bitwise_left_shift"]
__all__ += ["bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "block_diag", "bmm", "bool"]
__all__ += ["breakpoint_on", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "bucketize", "can_cast"]
__all__ += ["cartesian_prod", "cat", "cdist", "ceil", "ceil_", "chain_matmul", "channel_shuffle", "channels_last"]
__all__ += ["channels_last_3d", "cholesky_inverse", "cholesky_solve", "chunk", "clamp", "clamp_", "clamp_max"]
__all__ += ["clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_", "clone", "column_stack", "combinations"]
__all__ += ["compile", "concat", "concatenate", "conj"]
__all__ += ["conj_physical", "contiguous_format", "conv1d", "conv2d", "conv3d", "conv_transpose1d"]
__all__ += ["conv_transpose2d", "conv_transpose3d", "copysign", "corrcoef", "cos", "cos_", "cosh", "cosh_"]
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
__all__ += ["is_deterministic_algorithms_warn_only_enabled"]
__all__ += ["is_floating_point", "is_grad_enabled", "is_inference", "is_inference_mode_enabled", "is_neg", "is_nonzero"]
__all__ += ["is_same_size", "is_signed", "is_tensor", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf"]
__all__ += ["isposinf", "kron", "kthvalue", "layout", "lcm", "lcm_", "ldexp", "ldexp_", "le", "lerp", "less"]
__all__ += ["less_equal", "lgamma", "linalg", "linspace", "load", "log", "log1p", "log1p_", "log2", "log2_", "log10"]
__all__ += ["log10_", "log_", "log_operations", "log_softmax", "logaddexp", "logaddexp2", "logdet", "logical_and"]
__all__ += ["logical_not", "logical_or", "logical_xor", "logit", "logit_", "logspace", "logsumexp", "long", "lstm"]
__all__ += ["lstm_cell", "lt", "manual_seed", "masked_fill", "masked_scatter", "masked_select", "matmul"]
__all__ += ["matrix_power", "max", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "maximum", "mean", "median"]
__all__ += ["memory_format", "meshgrid", "min", "minimum", "mm", "mode", "models", "moveaxis", "movedim", "msort"]
__all__ += ["mul", "multinomial", "multiply", "mv", "mvlgamma", "nan", "nan_to_num", "nan_to_num_", "nanmean"]
__all__ += ["nanmedian", "nanquantile", "nansum", "narrow", "ne", "neg", "neg_", "negative", "negative_", "newaxis"]
__all__ += ["nn", "no_grad", "nonzero", "norm", "normal", "not_equal", "numel", "ones", "ones_like", "optim", "outer"]
__all__ += ["pdist", "permute", "pi", "pinverse", "pixel_shuffle", "pixel_unshuffle", "poisson", "polygamma"]
__all__ += ["positive", "pow", "preserve_format", "prod", "promote_types", "put", "quantile", "rad2deg", "rad2deg_"]
__all__ += ["rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random", "randperm", "range"]
__all__ += ["ravel", "real", "reciprocal", "reciprocal_", "reference_kernels", "relu", "relu_", "remainder", "renorm"]
__all__ += ["repeat_interleave", "reshape", "resolve_conj"]
__all__ += ["resolve_neg", "result_type", "return_types", "rnn_relu", "rnn_relu_cell", "rnn_tanh"]
__all__ += ["rnn_tanh_cell", "roll", "rot90", "round", "round_", "row_stack", "rsqrt", "rsqrt_", "rsub", "save"]
__all__ += ["scatter", "scatter_add", "scatter_reduce", "searchsorted", "seed", "select", "set_default_device"]
__all__ += ["set_default_dtype", "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal"]
__all__ += ["set_grad_enabled", "set_num_interop_threads", "set_num_threads", "set_printoptions", "set_rng_state"]
__all__ += ["sgn", "short", "sigmoid", "sigmoid_", "sign", "signbit", "sin", "sin_", "sinc", "sinc_", "sinh", "sinh_"]
__all__ += ["slogdet", "softmax", "sort", "split", "split_with_sizes", "sqrt", "sqrt_", "square", "square_", "squeeze"]
__all__ += ["stack", "std", "std_mean", "strided", "sub", "subtract", "sum", "svd", "swapaxes", "swapdims", "t", "take"]
__all__ += ["take_along_dim", "tan", "tan_", "tanh", "tanh_", "tensor", "tensor_split", "tensordot", "threshold"]
__all__ += ["threshold_", "tile", "topk", "trace", "transpose", "trapezoid", "trapz", "triangular_solve", "tril"]
__all__ += ["tril_indices", "triu", "triu_indices", "true_divide", "trunc", "trunc_", "uint8", "unbind", "unflatten"]
__all__ += ["unique", "unique_consecutive", "unsqueeze", "use_deterministic_algorithms", "utils", "vander", "var"]
__all__ += ["var_mean", "vdot", "viz", "vsplit", "vstack", "where", "xlogy", "xlogy_", "zero_", "zeros", "zeros_like"]


for name in TAKES_OUT.split():
    globals()[name] = taking_out(name, globals()[name])
del name


# Families that most programs do without: imported when they are first named.
LOADED_ON_USE = ["accelerator", "backends", "cpu", "distributed", "distributions", "func", "jit", "lightning"]
LOADED_ON_USE += ["mps", "testing", "xpu"]

if TYPE_CHECKING:
    from minigrad import accelerator, backends, cpu, distributed, distributions, func, jit, lightning, mps, testing, xpu
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
