"""Pruning: elements of a parameter are held at zero by a mask. A hook multiplies by the mask before each forward.

The parameter is trained on as ``name_orig``; ``name_mask`` is a buffer. What is pruned already is not pruned again.
Source: PyTorch's "Pruning Tutorial".
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator
from typing import Any

from minigrad.creation import ones_like, rand, rand_like, zeros_like
from minigrad.linalg import vector_norm
from minigrad.nn.module import Module
from minigrad.nn.utils import parameters_to_vector
from minigrad.tensor import Tensor

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer"]
__all__ += ["RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity"]
__all__ += ["is_pruned", "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove"]


class BasePruningMethod:
    """The base of every way to prune: a subclass has a ``PRUNING_TYPE`` and says in ``compute_mask`` what is kept.

    The types are "unstructured", where single elements are pruned, "structured", where slices along ``dim`` are, and
    "global", whose mask is of the whole tensor. Counterpart: ``torch.nn.utils.prune.BasePruningMethod``.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor whose elements are as important as ``t`` tells. Shapes: those of ``t``.

        Raises:
            NotImplementedError: the subclass does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it prunes")

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter with what is pruned set to zero. Shape: the parameter's."""
        orig = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(orig.dtype) * orig

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune the parameter ``name`` of ``module``, beyond what is pruned already. Returns the hook.

        ``args`` and ``kwargs`` make the method; ``importance_scores`` stand for the values. Nothing is changed where
        the mask cannot be computed.

        Raises:
            AssertionError: the scores have another shape.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        weight = getattr(module, name)
        scores = checked_scores(importance_scores, weight)
        number, before = next(pruning_hooks(module, name), (None, None))
        if before is None:
            mask = method.compute_mask(scores, default_mask=ones_like(weight))
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", weight)
        else:
            container = PruningContainer(*(before if isinstance(before, PruningContainer) else [before]), method)
            mask = container.compute_mask(scores, getattr(module, f"{name}_mask").detach().clone())
            del module._forward_pre_hooks[number]
            method = container
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """``t`` times the mask that is computed for it, without a module. Shape: that of ``t``.

        Raises:
            AssertionError: the scores have another shape.
        """
        scores = checked_scores(importance_scores, t)
        return t * self.compute_mask(scores, default_mask=ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Any) -> None:
        """Make the parameter a plain one again, with zeros where it was pruned. The hook is left."""
        name, weight = self._tensor_name, self.apply_mask(module)
        orig = module._parameters.pop(f"{name}_orig")
        orig.data = weight.data
        del module._buffers[f"{name}_mask"]
        delattr(module, name)
        setattr(module, name, orig)


class PruningContainer(BasePruningMethod):
    """Several methods on one parameter; the last prunes what the mask before has left.

    Counterpart: ``torch.nn.utils.prune.PruningContainer``.

    Raises:
        TypeError: one is no method.
        ValueError: they prune several parameters.
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in args:
            self._tensor_name = args[0]._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one more.

        Raises:
            TypeError: it is none.
            ValueError: it prunes another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method._tensor_name != self._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask of what is left, in ``default_mask``. Shapes: those of ``t``.

        Raises:
            AttributeError: it is structured and has no ``dim``.
            ValueError: its type is unknown.
        """
        method: Any = self._pruning_methods[-1]
        left: Any = slice(None)
        if method.PRUNING_TYPE == "unstructured":
            left = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim % t.ndim
            some = default_mask.sum(dim=[each for each in range(t.ndim) if each != dim]) != 0
            left = (slice(None),) * dim + (some,)
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.to(t.dtype).clone()
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing: the mask is all ones. Counterpart: ``torch.nn.utils.prune.Identity``."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` itself. Shapes: those of ``t``."""
        return default_mask


class Amount(BasePruningMethod):
    """Methods that prune an ``amount``: a share of the elements, or a number of them.

    Raises:
        TypeError: it is neither.
        ValueError: it is negative, or a share above 1.
    """

    amount: Any

    def __init__(self, amount: Any) -> None:
        whole = isinstance(amount, numbers.Integral)
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if not 0 <= float(amount) <= (math.inf if whole else 1):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount = int(float(amount)) if whole else amount

    def count_of(self, size: int) -> int:
        """How many of ``size`` are pruned."""
        if not isinstance(self.amount, int):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={size}")
        return self.amount


class Unstructured(Amount):
    """Prunes the elements with the lowest ranks."""

    PRUNING_TYPE = "unstructured"
    largest = False

    def ranks(self, t: Tensor) -> Tensor:
        """What decides about the elements of ``t``."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros at the elements that are pruned, else ``default_mask``. Shapes: those of ``t``.

        Raises:
            ValueError: there are fewer than that many.
        """
        count = self.count_of(t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[self.ranks(t).reshape(-1).topk(count, largest=self.largest).indices] = 0
        return mask


class RandomUnstructured(Unstructured):
    """Prunes elements at random. Counterpart: ``torch.nn.utils.prune.RandomUnstructured``.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a share above 1.
    """

    largest = True

    def ranks(self, t: Tensor) -> Tensor:
        return rand_like(t)


class L1Unstructured(Unstructured):
    """Prunes the elements nearest to zero. Counterpart: ``torch.nn.utils.prune.L1Unstructured``.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a share above 1.
    """

    def ranks(self, t: Tensor) -> Tensor:
        return t.abs()


class Structured(Amount):
    """Prunes whole slices along ``dim``."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def kept(self, t: Tensor, count: int) -> Tensor:
        """The slices that are kept where ``count`` are pruned, by number or by mask."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros at the slices that are pruned, else ``default_mask``. Shapes: those of ``t``.

        Raises:
            ValueError: ``t`` has one dimension, or there are not that many slices.
            IndexError: it has no such dimension.
        """
        if t.ndim <= 1:
            raise ValueError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} "
                f"with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = self.count_of(t.shape[self.dim])
        if not count:
            return default_mask
        mask = zeros_like(t)
        mask[(slice(None),) * (self.dim % t.ndim) + (self.kept(t, count),)] = 1
        return mask * default_mask.to(mask.dtype)


class RandomStructured(Structured):
    """Prunes slices at random. Counterpart: ``torch.nn.utils.prune.RandomStructured``.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a share above 1.
    """

    def kept(self, t: Tensor, count: int) -> Tensor:
        chances = rand(t.shape[self.dim])
        return chances > chances.kthvalue(count).values


class LnStructured(Structured):
    """Prunes the slices with the least n-norm. Counterpart: ``torch.nn.utils.prune.LnStructured``.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a share above 1.
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def kept(self, t: Tensor, count: int) -> Tensor:
        dim = self.dim % t.ndim
        others = [each for each in range(t.ndim) if each != dim]
        norms = vector_norm(t, 2 if self.n == "fro" else self.n, others)
        return norms.topk(len(norms) - count).indices


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is zero. Counterpart: ``torch.nn.utils.prune.CustomFromMask``."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask times ``default_mask``. Shapes: those of ``t``.

        Raises:
            AssertionError: they have different shapes.
        """
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


def checked_scores(scores: Tensor | None, t: Tensor) -> Tensor:
    """What stands for the values of ``t``: they themselves, unless ``scores``, of the same shape, are given."""
    if scores is not None and scores.shape != t.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as parameter, got {scores.shape} vs {t.shape}"
        )
    return t if scores is None else scores


def pruning_hooks(module: Module, name: str | None = None) -> Iterator[tuple[int, BasePruningMethod]]:
    """The hooks that prune a module, or that parameter of it, with their numbers."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and name in (None, hook._tensor_name):
            yield number, hook


def pruned(module: Module, name: str, method: type[BasePruningMethod], **options: Any) -> Module:
    method.apply(module, name, **options)
    return module


def identity(module: Module, name: str) -> Module:
    """Prune nothing, but as if: mask and hook are there."""
    return pruned(module, name, Identity)


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune ``amount`` elements at random."""
    return pruned(module, name, RandomUnstructured, amount=amount)


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Prune the ``amount`` elements nearest to zero. Shape of the scores: the parameter's.

    >>> layer = minigrad.nn.Linear(4, 4)
    >>> _ = minigrad.nn.utils.prune.l1_unstructured(layer, "weight", amount=0.25)
    >>> int((layer.weight == 0).sum())
    4
    """
    return pruned(module, name, L1Unstructured, amount=amount, importance_scores=importance_scores)


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune ``amount`` slices along ``dim`` at random."""
    return pruned(module, name, RandomStructured, amount=amount, dim=dim)


def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the ``amount`` slices along ``dim`` with the least n-norm. Shape of the scores: the parameter's."""
    return pruned(module, name, LnStructured, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where ``mask`` is zero. Its shape: the parameter's."""
    return pruned(module, name, CustomFromMask, mask=mask)


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune elements of several parameters, pairs of module and name, as if they were one.

    Raises:
        TypeError: ``parameters`` is not iterable, the scores are no dictionary, or the method is not "unstructured".
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    method: Any = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all"
    pairs = list(parameters)
    weights = [getattr(*pair) for pair in pairs]
    ranks = parameters_to_vector([scores.get(pair, weight) for pair, weight in zip(pairs, weights)])
    masks = [getattr(module, f"{name}_mask", ones_like(each)) for (module, name), each in zip(pairs, weights)]
    mask = PruningContainer(method).compute_mask(ranks, parameters_to_vector(masks))
    for (module, name), weight, part in zip(pairs, weights, mask.split([each.numel() for each in weights])):
        custom_from_mask(module, name, part.view_as(weight))


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter a plain one again, with zeros where it was pruned.

    Raises:
        ValueError: it is not pruned.
    """
    for number, hook in pruning_hooks(module, name):
        hook.remove(module)
        del module._forward_pre_hooks[number]
        return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of ``module``, or of one below it, is pruned."""
    return any(True for each in module.modules() for _ in pruning_hooks(each))
