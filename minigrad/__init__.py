"""minigrad: PyTorch's concepts, names and behaviour in NumPy, small enough to read and to step through.

Begin with ``tensor.py``, then ``autograd/function.py`` (how the graph is recorded), ``autograd/engine.py`` (how it is
walked backward) and ``ops/elementwise.py`` (what a gradient rule looks like).
"""

import warnings

# PyTorch computes 1/0 and log(-1) without a word; so does minigrad. Only NumPy's warnings at its own lines are meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from minigrad.tensor import Size, Tensor, device  # isort: skip  (first: everything else needs Tensor)
from minigrad import autograd, cuda, nn, optim, random, utils, viz
from minigrad.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.creation import *
from minigrad.creation import __all__ as _creation
from minigrad.dtypes import (
    bool,
    double,
    dtype,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
)
from minigrad.functions import *
from minigrad.functions import __all__ as _functions
from minigrad.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from minigrad.serialization import load, save
