"""PyTorch's older paths of the layers: ``nn.modules.conv.Conv2d``, and ``nn.modules.Conv2d``, are ``nn.Conv2d``.

PyTorch's files are not minigrad's: the table says which of ours have what one of theirs has.
"""

from __future__ import annotations

import sys
from types import ModuleType

from minigrad.nn import activation, adaptive, arguments, attention, batchnorm, container, convolution, dropout
from minigrad.nn import embedding, flatten, global_hooks, instancenorm, lazy, linear, loss, margin_loss, module
from minigrad.nn import normalization, padding, pooling, rnn, state, transformer, upsampling

ALIKE = [adaptive, container, dropout, flatten, lazy, padding, pooling, rnn, transformer, upsampling]
PATHS = {each.__name__.rpartition(".")[2]: (each,) for each in ALIKE} | {
    "activation": (activation, attention),
    "batchnorm": (batchnorm, lazy),
    "channelshuffle": (upsampling,),
    "conv": (convolution, lazy),
    "distance": (margin_loss,),
    "fold": (convolution,),
    "instancenorm": (instancenorm, lazy),
    "linear": (linear, lazy),
    "loss": (loss, margin_loss),
    "module": (module, global_hooks),
    "normalization": (normalization, batchnorm),
    "pixelshuffle": (upsampling,),
    "sparse": (embedding,),
    "utils": (state, arguments),
}

__path__: list[str] = []  # a package to Python: its modules are those that are made here


def make_paths() -> None:
    """Make a module of each path, and give it, and this one, what the table names."""
    for name, homes in PATHS.items():
        path = ModuleType(f"{__name__}.{name}", f"A path of PyTorch's: see ``{__name__}``.")
        for home in homes:
            found = {key: each for key, each in vars(home).items() if getattr(each, "__module__", "") == home.__name__}
            vars(path).update(found)
            globals().update(found)
        globals()[name] = sys.modules[path.__name__] = path


make_paths()
