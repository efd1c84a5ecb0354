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
from minigrad.dtypes import bfloat16, bool, double, dtype, finfo, float, float16, float32, float64, get_default_dtype
from minigrad.dtypes import half, iinfo, int, int16, int32, int64, int8, long, set_default_dtype, short, uint8
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
from minigrad import amp, autograd, creation, cuda, linalg, nn, ops, optim, random, return_types, settings, tensor_types
from minigrad import utils, viz
from minigrad.viz import explain

newaxis = None  # x[:, newaxis] inserts a dimension

__all__ = ["Generator", "OutOfMemoryError", "Size", "Tensor", "adaptive_avg_pool1d", "amp", "autocast", "autograd"]
__all__ += ["avg_pool1d", "bilinear", "bool", "breakpoint_on", "celu", "celu_", "channels_last", "channels_last_3d"]
__all__ += ["cholesky_inverse", "cholesky_solve", "compile", "contiguous_format", "cosine_similarity", "cuda"]
__all__ += ["default_generator", "det", "device", "double", "dtype", "e", "einsum", "enable_grad", "explain"]
__all__ += ["explain_grad", "finfo", "float", "float16", "float32", "float64", "get_default_dtype", "get_num_threads"]
__all__ += ["get_rng_state", "group_norm", "half", "hardshrink", "iinfo", "inf", "inference_mode", "initial_seed"]
__all__ += ["int", "int8", "int16", "int32", "int64", "is_anomaly_enabled", "is_grad_enabled"]
__all__ += ["is_inference_mode_enabled", "layer_norm", "layout", "linalg", "load", "log_operations", "logdet", "long"]
__all__ += ["manual_seed", "matrix_power", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "memory_format"]
__all__ += ["models", "nan", "newaxis", "nn", "no_grad", "optim", "pairwise_distance", "pi", "prelu", "preserve_format"]
__all__ += ["random", "reference_kernels", "relu", "relu_", "return_types", "rms_norm", "rrelu", "rrelu_", "save"]
__all__ += ["seed", "selu", "selu_", "set_default_dtype", "set_grad_enabled", "set_num_threads", "set_printoptions"]
__all__ += ["set_rng_state", "short", "sigmoid", "sigmoid_", "strided", "threshold", "threshold_", "triangular_solve"]
__all__ += ["uint8", "utils", "viz"]
FAMILIES = [creation, linalg.older, ops.arithmetic, ops.arrangement, ops.broadcasting, ops.choosing, ops.clamping]
FAMILIES += [ops.combining, ops.comparison, ops.composed, ops.convolution, ops.copying, ops.counting, ops.cutting]
FAMILIES += [ops.diagonals, ops.distances, ops.division, ops.extremes, ops.fused, ops.joining, ops.masking, ops.matmul]
FAMILIES += [ops.nondifferentiable, ops.picking, ops.powers, ops.quantiles, ops.recurrent, ops.reduction, ops.rounding]
FAMILIES += [ops.sampling, ops.scan, ops.scattering, ops.shape, ops.shuffling, ops.signs, ops.softmax, ops.sorting]
FAMILIES += [ops.special, ops.statistics, ops.striding, ops.transcendental, ops.transposition, ops.types, settings]
FAMILIES += [tensor_types]
__all__ += [name for family in FAMILIES for name in family.__all__]


for name in TAKES_OUT.split():
    globals()[name] = taking_out(name, globals()[name])
del name


# Families that most programs do without: imported when they are first named.
LOADED_ON_USE = ["accelerator", "backends", "cpu", "distributed", "distributions", "func", "functional", "jit"]
LOADED_ON_USE += ["lightning", "models", "mps", "testing", "xpu"]

if TYPE_CHECKING:
    from minigrad import accelerator, backends, cpu, distributed, distributions, func, functional, jit, lightning
    from minigrad import models, mps, testing, xpu
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
