"""Neural network layers. ``module.py`` is the base of all, ``layer.py`` of many; then one file a family of layers.

``functional.py`` has the layers' computations as functions, ``init.py`` what fills their initial weights, ``utils/``
what is done to all parameters of a network at once, ``modules.py`` the layers under PyTorch's older paths.
"""

import sys
from typing import TYPE_CHECKING, Any

from minigrad.nn import activation, adaptive, arguments, attention, batchnorm, container, convolution, dropout
from minigrad.nn import embedding, flatten, instancenorm, lazy, linear, loss, margin_loss, module, normalization
from minigrad.nn import functional, init, modules, parallel, utils, padding, pooling, rnn, transformer, upsampling
from minigrad.nn.activation import *
from minigrad.nn.arguments import factory_kwargs
from minigrad.nn.adaptive import *
from minigrad.nn.attention import *
from minigrad.nn.batchnorm import *
from minigrad.nn.container import *
from minigrad.nn.convolution import *
from minigrad.nn.dropout import *
from minigrad.nn.embedding import *
from minigrad.nn.flatten import Flatten, Unflatten
from minigrad.nn.instancenorm import *
from minigrad.nn.lazy import *
from minigrad.nn.linear import *
from minigrad.nn.loss import *
from minigrad.nn.margin_loss import *
from minigrad.nn.module import Module
from minigrad.nn.normalization import *
from minigrad.nn.padding import *
from minigrad.nn.parallel import DataParallel
from minigrad.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from minigrad.nn.pooling import *
from minigrad.nn.rnn import *
from minigrad.nn.transformer import *
from minigrad.nn.upsampling import *
from minigrad.left_out import no_attribute

__all__ = ["Buffer", "DataParallel", "Parameter", "UninitializedBuffer", "UninitializedParameter", "functional", "init"]
__all__ += ["parallel", "utils"]
FAMILIES = [activation, adaptive, arguments, attention, batchnorm, container, convolution, dropout, embedding, flatten]
FAMILIES += [instancenorm, lazy, linear, loss, margin_loss, module, normalization, padding, pooling, rnn]
FAMILIES += [transformer, upsampling]
__all__ += [name for family in FAMILIES for name in family.__all__]


if not TYPE_CHECKING:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        raise no_attribute(sys.modules[__name__], f"module {__name__!r}", name)
