"""Functions of functions: ``grad(f)`` is the gradient as a function, ``vmap(f)`` is ``f`` for a batch, and so on.

``gradients.py`` differentiates, ``mapping.py`` maps, ``modules.py`` calls a network as a function of its parameters;
``trees.py`` takes tuples, lists and dictionaries apart. Counterpart: ``torch.func``. It loads on use.
"""

from minigrad.func.gradients import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from minigrad.func.mapping import vmap
from minigrad.func.modules import functional_call, stack_module_state

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize"]
__all__ += ["stack_module_state", "vjp", "vmap"]
