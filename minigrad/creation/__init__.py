"""Making tensors, each by PyTorch's function of the same name.

``values.py`` takes in what is there already; ``filled.py``, ``counted.py`` and ``drawn.py`` make tensors of one number,
of numbers in order, and of random ones.
"""

from minigrad.creation.counted import *
from minigrad.creation.drawn import *
from minigrad.creation.filled import *
from minigrad.creation.values import *

__all__ = ["arange", "as_tensor", "asarray", "bernoulli", "empty", "empty_like", "eye", "from_dlpack", "from_numpy"]
__all__ += ["frombuffer", "full", "full_like", "linspace", "logspace", "multinomial", "normal", "ones", "ones_like"]
__all__ += ["rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "range", "tensor"]
__all__ += ["tril_indices", "triu_indices", "zeros", "zeros_like"]
