"""PyTorch's random numbers on the CPU: the same seed gives the same numbers.

The source of all is one stream of 32-bit numbers, the Mersenne Twister's (Matsumoto & Nishimura 1998), from
NumPy. What PyTorch makes of them is here, one method a distribution, each drawing exactly as many as PyTorch
does (ATen: CPUGeneratorImpl, DistributionTemplates.h, TransformationHelper.h). So draws of all kinds can be
mixed, and the next one still agrees.

Arrays only; the tensor functions (``rand``, ``randperm`` ...) are in ``creation/drawn.py`` and call this.
"""

from __future__ import annotations

import math
import operator
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import attributes
from minigrad.caller import warn_user
from minigrad.dtypes import FLOATS, NARROW, limits_of
from minigrad.graph.function import wrap
from minigrad.graph.node import Tensor
from minigrad.kernels import rejection

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed"]
__all__ += ["set_rng_state"]

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

DEFAULT_SEED = 67280421310721  # c10::detail::default_rng_seed_val, for a generator that nobody seeded
STATE_WORDS = 624
BLOCK = 16  # as many normal numbers as PyTorch makes at once

# CPUGeneratorImplState, byte for byte. The words have 32 bits, but old checkpoints have them in 64.
STATE_LAYOUT = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # 1 + the words of this round not yet used
        ("seeded", "<i4"),
        ("next", "<u8"),  # the position of the word to use next
        ("words", "<u8", STATE_WORDS),
        ("normal_x", "<f8"),  # unused
        ("normal_y", "<f8"),  # the second number of a normal pair, if it still waits
        ("normal_rho", "<f8"),  # unused
        ("normal_is_valid", "<i4"),
        ("unused", "V12"),
    ]
)


class Generator:
    """A stream of random numbers. Counterpart: ``torch.Generator`` on the CPU.

    A method that draws takes a shape and returns an array of it; it checks its arguments before it draws.

    Attributes:
        _seed: what the stream began with.
        _twister: where it is. It is made when it is first asked for, so that a generator that nobody draws from, as
            the default one of most programs, costs nothing.
        _second_normal: of a pair of normal numbers the second, while it waits.

    Raises:
        RuntimeError: the device is not the CPU.
    """

    _twister: np.random.MT19937

    def __init__(self, device: str = "cpu") -> None:
        if str(device) != "cpu":
            raise RuntimeError(f"minigrad computes on the CPU only, there is no generator for {device}")
        self._seed = DEFAULT_SEED
        self._second_normal: float | None = None

    def __getattr__(self, name: str) -> Any:
        """Begin the stream where it is first asked for; of several threads that ask at once, all get the same one."""
        if name != "_twister":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        begun = Generator().manual_seed(self._seed)
        return vars(self).setdefault(name, begun._twister)

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream that belongs to ``seed``, and return the generator.

        A negative seed counts from 2**64 down. The twister takes the lower 32 bits as word 0, then
        ``word[i] = 1812433253 * (word[i-1] ^ word[i-1] >> 30) + i`` (its authors' init_genrand).

        Raises:
            RuntimeError: the seed is no integer.
            ValueError: the seed does not fit into 64 bits.
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: the seed {seed} does not fit into 64 bits")
        self._seed = int(seed) % 2**64
        words = np.empty(STATE_WORDS, np.uint32)
        word = self._seed & 0xFFFFFFFF
        for position in range(STATE_WORDS):
            words[position] = word
            word = (1812433253 * (word ^ (word >> 30)) + position + 1) & 0xFFFFFFFF
        self._set_twister(words, STATE_WORDS)
        self._second_normal = None
        return self

    def seed(self) -> int:
        """Begin a stream that nobody can foresee, and return its seed, of 64 bits."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream began with, from 0 to 2**64 - 1."""
        return self._seed

    @property
    def device(self) -> Any:
        """The CPU."""
        return attributes.device("cpu")

    def clone_state(self) -> Generator:
        """A new generator, which goes on from where this one is."""
        return Generator().set_state(self.get_state())

    def get_state(self) -> Any:
        """Where the stream is: a tensor of 5056 bytes, uint8, equal to those of ``torch.Generator.get_state``."""
        twister = self._twister.state["state"]
        state = np.zeros((), STATE_LAYOUT)
        state["seed"] = self._seed
        state["seeded"] = 1
        state["words"] = twister["key"]
        state["left"] = STATE_WORDS + 1 - twister["pos"]
        state["next"] = twister["pos"]
        if twister["key"][0] == self._seed & 0xFFFFFFFF:
            state["next"] = 0  # just seeded: both begin with a new round of words, but PyTorch writes it so
        if self._second_normal is not None:
            state["normal_is_valid"] = 1
            state["normal_y"] = self._second_normal
        return wrap(np.frombuffer(state.tobytes(), np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state of :meth:`get_state`, or an array of the bytes of PyTorch's.

        Raises:
            TypeError: not a tensor or an array of uint8.
            RuntimeError: not 5056 contiguous bytes, or no state that the twister can be in.
        """
        state = new_state.array if isinstance(new_state, Tensor) else new_state
        if not isinstance(state, np.ndarray):
            raise TypeError(f"expected a tensor of bytes (uint8), but got {type(state).__name__}")
        if state.dtype != np.uint8:
            raise TypeError(f"RNG state must be an array of bytes (uint8), but got {state.dtype}")
        if not state.flags.c_contiguous:
            raise RuntimeError("RNG state must be contiguous")
        if state.size != STATE_LAYOUT.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_LAYOUT.itemsize} "
                f"but found the input RNG state size to be {state.size}"
            )
        fields = np.frombuffer(state.tobytes(), STATE_LAYOUT)[0]
        left, position = int(fields["left"]), int(fields["next"])
        if left == 1 and position <= STATE_WORDS:
            position = STATE_WORDS  # the round is used up, or the generator just seeded
        if not fields["seeded"] or not 1 <= left <= STATE_WORDS or position != STATE_WORDS + 1 - left:
            raise RuntimeError(f"Invalid mt19937 state: left={left}, next={position}")
        self._seed = int(fields["seed"])
        self._set_twister(fields["words"].astype(np.uint32), position)
        self._second_normal = float(fields["normal_y"]) if fields["normal_is_valid"] else None
        return self

    def _set_twister(self, words: Array, position: int) -> None:
        twister = vars(self).get("_twister") or np.random.MT19937(0)
        twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": position}}
        self._twister = twister

    def random32(self, count: int) -> Array:
        """``count`` numbers of 32 bits. Returns: (count,), as uint64."""
        return self._twister.random_raw(count)

    def random64(self, count: int) -> Array:
        """``count`` numbers of 64 bits, the upper half drawn first. Returns: (count,), as uint64."""
        halves = self.random32(2 * count)
        return (halves[0::2] << np.uint64(32)) | halves[1::2]

    def random_int64(self) -> int:
        """One integer of 63 bits, which seeds an epoch of a DataLoader. Counterpart: ``random_()``."""
        return int(self.random64(1)[0]) % 2**63

    def uniform(self, shape: Shape, dtype: npt.DTypeLike = np.float32, low: float = 0.0, high: float = 1.0) -> Array:
        """Numbers drawn evenly from [low, high): ``unit * (high - low) + low``. Counterpart: ``uniform_``.

        ``unit`` has 53 random bits for float64, 24 for float32; float16 is float32 rounded. Bounds and their
        difference are rounded to that precision; product and sum are rounded once, together, as a processor's
        fused multiply-add does (where it has none, PyTorch rounds twice and differs in the last bit).

        Raises:
            NotImplementedError: ``dtype`` is no floating-point type.
            RuntimeError: ``low > high``, or a bound or their difference exceeds ``dtype``.
        """
        dtype = _floating(dtype, "check_uniform_bounds")
        largest = float(limits_of(dtype).max)
        for name, bound in (("from", low), ("to", high)):
            if not -largest <= bound <= largest:  # so written, it catches NaN
                raise RuntimeError(f"{name} is out of bounds for {dtype}: {bound:g}")
        if low > high:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
        if high - low > largest:
            raise RuntimeError(
                f"uniform_ expects to-from <= {largest:g} for {dtype}, but found to={high:g} and from={low:g}"
            )
        precision = _computing(dtype)
        first, last = precision.type(low), precision.type(high)
        unit = self._unit(math.prod(shape), precision)
        scaled = _multiply_add(unit, float(last - first), float(first), precision)
        drawn = scaled.astype(precision).astype(dtype)
        drawn[drawn == dtype.type(high)] = dtype.type(low)  # rounding may reach ``high``
        return drawn.reshape(shape)

    def _unit(self, count: int, dtype: np.dtype[Any]) -> Array:
        """Numbers from [0, 1) with as many random bits as ``dtype`` can hold. Returns: (count,), float64."""
        if dtype == np.float64:
            return (self.random64(count) & np.uint64(2**53 - 1)) * 2.0**-53
        return (self.random32(count) & np.uint64(2**24 - 1)) * 2.0**-24

    def _one_unit(self) -> float:
        """One number from [0, 1), with 53 random bits."""
        upper = self._twister.random_raw()
        return float(((upper << 32 | self._twister.random_raw()) & (2**53 - 1)) * 2.0**-53)

    def normal(
        self,
        shape: Shape,
        dtype: npt.DTypeLike = np.float32,
        mean: float = 0.0,
        std: float = 1.0,
        contiguous: bool = True,
    ) -> Array:
        """Numbers drawn from the normal distribution. Counterpart: ``normal_``.

        Two uniform numbers u, v make two normal ones, ``r cos a`` and ``r sin a``, with ``a = 2 pi v`` and
        ``r = sqrt(-2 log(1 - u))`` (Box & Muller 1958). Fewer than 16 come one by one, in float64, and the
        second of a pair waits for the next call; from 16 on they come in blocks, unless they are for a tensor
        that is not ``contiguous``. Logarithm, sine, cosine may differ from PyTorch's in the last bits; where
        the stream is afterwards does not.

        Raises:
            NotImplementedError: ``dtype`` is no floating-point type.
            RuntimeError: ``std`` is negative or NaN.
        """
        dtype = _floating(dtype, "normal_kernel_cpu")
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        count = math.prod(shape)
        if count < BLOCK or not contiguous:
            precision = np.dtype(np.float64)
            normals = np.array([self._one_normal() for _ in range(count)], precision)
        else:
            precision = _computing(dtype)
            normals = self._normal_blocks(count, dtype)
        scaled = _multiply_add(normals, float(precision.type(std)), float(precision.type(mean)), precision)
        return scaled.astype(precision).astype(dtype).reshape(shape)

    def _one_normal(self) -> float:
        """One standard normal number, of a pair of which the other is kept (ATen: normal_distribution)."""
        if self._second_normal is not None:
            second, self._second_normal = self._second_normal, None
            return second
        v, u = self._unit(2, np.dtype(np.float64)).tolist()
        radius = math.sqrt(-2.0 * math.log1p(-u))
        angle = 2.0 * math.pi * v
        self._second_normal = radius * math.sin(angle)
        return radius * math.cos(angle)

    def _normal_blocks(self, count: int, dtype: np.dtype[Any]) -> Array:
        """``count >= 16`` standard normal numbers as float64 (ATen: normal_fill).

        Where ``count`` is no multiple of 16 the last 16 are drawn anew, over those of the last whole block.
        """
        precision = _computing(dtype)
        whole = count - count % BLOCK
        # PyTorch draws for the incomplete block as well, only to draw it anew; not so in float16.
        drawn = whole if dtype in NARROW else count
        normals = np.empty(count)
        normals[:whole] = _box_muller(self._unit(drawn, precision)[:whole].astype(precision))
        if whole < count:
            normals[-BLOCK:] = _box_muller(self._unit(BLOCK, precision).astype(precision))
        return normals

    def integers(self, low: int, high: int, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Integers from [low, high): ``low + r % (high - low)``. Counterpart: ``torch.randint``.

        ``r`` has 64 bits if there are 2**28 integers or more, else 32, so that none is much likelier.

        Raises:
            TypeError: a bound is no integer.
            ValueError: a bound does not fit into 64 bits.
            RuntimeError: there is no such integer, or a bound is beyond ``dtype``. Where a floating-point type holds
                the bounds, but not each integer between them, a warning.
        """
        for bound in (low, high):
            if isinstance(bound, (bool, np.ndarray)) or not hasattr(bound, "__index__"):
                raise TypeError(f"the bounds of random integers must be int, not {type(bound).__name__}")
        low, high, dtype = operator.index(low), operator.index(high), np.dtype(dtype)
        if low < -(2**63) or high >= 2**63:
            raise ValueError(f"Overflow when unpacking long long: from={low}, to={high}")
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if dtype.kind in FLOATS:
            low, high = _rounded_bounds(low, high, dtype)
        least, largest = integer_range(dtype)
        for name, bound in (("from", low), ("to - 1", high - 1)):
            if least <= bound <= largest:
                continue
            if dtype.kind not in FLOATS or abs(bound) > float(limits_of(dtype).max):
                raise RuntimeError(f"{name} is out of bounds for {dtype}: {bound}")
            warn_user(
                f"{name} is out of bounds [-{largest}, {largest}]. Due to precision limitations {dtype} can support "
                f"discrete uniform distribution only within this range.",
            )
        span = high - low
        count = math.prod(shape)
        drawn = self.random64(count) if span >= 2**28 else self.random32(count)
        offsets = (drawn % np.uint64(span)).astype(np.int64)
        return (offsets + low).astype(dtype).reshape(shape)

    def exponential(self, shape: Shape, dtype: npt.DTypeLike = np.float32, rate: float = 1.0) -> Array:
        """Numbers drawn from the exponential distribution: ``-log(1 - u) / rate``, u even numbers of 53 bits.

        Raises:
            RuntimeError: ``dtype`` is no floating-point type, or ``rate`` is not positive.
        """
        if not rate > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
        dtype = _floating(dtype, distribution="Exponential")
        unit = self._unit(math.prod(shape), np.dtype(np.float64))
        return (_of_c("log1p", -unit, dtype) * (-1.0 / rate)).astype(dtype).reshape(shape)

    def cauchy(self, shape: Shape, dtype: npt.DTypeLike = np.float32, median: float = 0.0, sigma: float = 1.0) -> Array:
        """Numbers drawn from Cauchy's distribution: ``median + sigma tan(pi (u - 1/2))``. Counterpart: ``cauchy_``.

        Raises:
            RuntimeError: ``dtype`` is no floating-point type, or ``sigma`` is not positive.
        """
        if not sigma > 0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        dtype = _floating(dtype, distribution="Cauchy")
        tangents = _of_c("tan", math.pi * (self._unit(math.prod(shape), np.dtype(np.float64)) - 0.5), dtype)
        return _multiply_add(tangents, sigma, median, np.dtype(np.float64)).astype(dtype).reshape(shape)

    def log_normal(self, shape: Shape, dtype: npt.DTypeLike = np.float32, mean: float = 1.0, std: float = 2.0) -> Array:
        """Exponentials of normal numbers, which are drawn one by one. Counterpart: ``log_normal_``.

        Raises:
            RuntimeError: ``std`` is not positive.
            NotImplementedError: ``dtype`` is no floating-point type.
        """
        if not std > 0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        dtype = _floating(dtype, "log_normal_cpu")
        normals = np.array([self._one_normal() for _ in range(math.prod(shape))])
        return np.exp(_multiply_add(normals, std, mean, np.dtype(np.float64))).astype(dtype).reshape(shape)

    def geometric(self, shape: Shape, dtype: npt.DTypeLike = np.float32, p: float = 0.5) -> Array:
        """How many trials of probability ``p`` until one succeeds: ``ceil(log u / log(1 - p))``, from 1 on.

        Raises:
            RuntimeError: ``p`` is not between 0 and 1.
            NotImplementedError: ``dtype`` is bool. Counterpart: ``geometric_``.
        """
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        if np.dtype(dtype).kind == "b":
            raise NotImplementedError('"geometric_cpu" not implemented for bool')
        unit = self._unit(math.prod(shape), np.dtype(np.float64))
        return np.ceil(np.log(unit) / math.log1p(-p)).astype(dtype).reshape(shape)

    def gamma(self, alpha: Array) -> Array:
        """Numbers of the gamma distribution of shape ``alpha``, rate 1; none is 0. Counterpart: ``_standard_gamma``."""
        drawn = [rejection.gamma(each, self._one_unit, self._one_normal) for each in alpha.ravel()]
        return np.maximum(np.array(drawn, alpha.dtype), limits_of(alpha.dtype).tiny).reshape(alpha.shape)

    def poisson(self, rate: Array) -> Array:
        """Numbers of the Poisson distribution of these rates. Counterpart: ``torch.poisson``."""
        drawn = [rejection.poisson(each, self._one_unit) for each in rate.ravel().tolist()]
        return np.array(drawn, rate.dtype).reshape(rate.shape)

    def binomial(self, count: Array, probability: Array) -> Array:
        """How many of ``count`` trials succeed; both of one type and shape. Counterpart: ``torch.binomial``."""
        pairs = zip(count.ravel(), probability.ravel(), strict=True)
        drawn = [rejection.binomial(*pair, self._one_unit) for pair in pairs]
        return np.array(drawn, count.dtype).reshape(count.shape)

    def any_integers(self, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Integers from [0, the largest up to which ``dtype`` holds them all]. Counterpart: ``random_()``."""
        dtype = np.dtype(dtype)
        count, largest = math.prod(shape), integer_range(dtype)[1]
        drawn = self.random64(count) if dtype.itemsize == 8 else self.random32(count)
        return (drawn % np.uint64(largest + 1)).astype(dtype).reshape(shape)

    def permutation(self, n: int) -> Array:
        """0 ... n - 1 in random order: each position swaps with one from itself on (Fisher & Yates 1938).

        Returns: (n,), int64. Counterpart: ``torch.randperm``, which from 2**32 / 20 on draws 64 bits each.

        Raises:
            RuntimeError: ``n`` is negative.
        """
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
        order = list(range(n))  # Python swaps the elements of a list faster than those of an array
        offsets = self.random32(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint64)
        others = np.arange(len(offsets), dtype=np.uint64) + offsets
        for position, other in enumerate(others.tolist()):
            order[position], order[other] = order[other], order[position]
        return np.array(order, np.int64)

    def bernoulli(self, p: float | Array, shape: Shape) -> Array:
        """True with probability ``p``: ``unit < p``. Returns: ``shape``, bool.

        ``p`` is a number (``Tensor.bernoulli_``; what dropout keeps) or an array, broadcast to ``shape``
        (``torch.bernoulli``). ``unit`` has 24 random bits for an array of float32 or float16, otherwise 53.
        On Intel's processors PyTorch asks MKL's generator when ``p`` is a number: there the two differ.

        Raises:
            RuntimeError: a probability is outside [0, 1].
        """
        probability = np.broadcast_to(p, shape)
        if not np.all((probability >= 0) & (probability <= 1)):
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        narrow = isinstance(p, np.ndarray) and p.dtype != np.float64
        precision = np.dtype(np.float32 if narrow else np.float64)
        return self._unit(probability.size, precision).reshape(shape) < probability


def _floating(dtype: npt.DTypeLike, kernel: str = "", distribution: str = "") -> np.dtype[Any]:
    """``dtype`` as NumPy's, if it is a floating-point type; else PyTorch's error of a kernel or of a distribution."""
    dtype = np.dtype(dtype)
    if dtype.kind in FLOATS:
        return dtype
    if kernel:
        raise NotImplementedError(f'"{kernel}" not implemented for {dtype}')
    raise RuntimeError(
        f"{distribution} distribution is a continuous probability distribution. dtype must be a floating point but you "
        f"specified {dtype}"
    )


def _of_c(name: str, x: Array, dtype: np.dtype[Any]) -> Array:
    """A function of NumPy's; for results of ``dtype`` float64 the C library's, which has PyTorch's last bit."""
    if dtype != np.float64:
        found: Array = getattr(np, name)(x)
        return found
    return np.asarray(np.frompyfunc(getattr(math, name), 1, 1)(x), np.float64)


def _computing(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which PyTorch computes numbers of ``dtype``: float32 for float16."""
    return np.dtype(np.float32) if dtype in NARROW else dtype


def integer_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest integer up to which ``dtype`` holds them all."""
    if dtype.kind in FLOATS:
        exact = 2 ** (limits_of(dtype).nmant + 1)
        return -exact, exact
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _rounded_bounds(low: int, high: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    """``low`` and ``high``, moved inwards where ``dtype`` rounds the integer next to one to beyond it."""
    if max(abs(low), abs(high)) > float(limits_of(dtype).max):
        return low, high
    above, below = int(dtype.type(low + 1)), int(dtype.type(high - 1))
    if above < low:
        low = above + 2 ** (abs(low + 1).bit_length() - limits_of(dtype).nmant - 1)
    if below >= high:
        high = below - 2 ** (abs(high - 1).bit_length() - limits_of(dtype).nmant - 1)
    return low, high


def _box_muller(uniform: Array) -> Array:
    """Standard normal numbers of uniform ones, blocks of 16: number i is paired with number i + 8.

    Shapes: (16 * blocks,) -> (16 * blocks,). Each step is rounded to the type of ``uniform``, as in PyTorch.
    """
    pairs = uniform.reshape(-1, 2, BLOCK // 2)
    u, v = 1 - pairs[:, 0], pairs[:, 1]  # 1 - u is in (0, 1], where the logarithm is finite
    radius = np.sqrt(-2 * np.log(u))
    angle = uniform.dtype.type(2 * math.pi) * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


def _multiply_add(x: Array, factor: float, term: float, precision: np.dtype[Any]) -> Array:
    """``x * factor + term`` for numbers of ``precision``, rounded once. Shapes: x -> x, float64.

    The errors of the product (Dekker 1971) and of the sum (Knuth 1969) are computed, and added at the end.
    """
    if precision == np.float32:
        return x * factor + term  # float64 holds the product exactly
    _, exponent = math.frexp(max(abs(factor), abs(term)))
    factor, term = math.ldexp(factor, -exponent), math.ldexp(term, -exponent)  # so that no step overflows
    x_upper, x_lower = _halves(x)
    factor_upper, factor_lower = _halves(factor)
    product = x * factor
    product_error = x_upper * factor_upper - product
    product_error += x_upper * factor_lower
    product_error += x_lower * factor_upper
    product_error += x_lower * factor_lower
    total = product + term
    added = total - product
    total_error = (product - (total - added)) + (term - added)
    fused: Array = np.ldexp(total + (product_error + total_error), exponent)
    return fused


def _halves(x: Any) -> tuple[Any, Any]:
    """``x`` as a sum of two numbers of 26 bits, whose products are exact in float64 (Veltkamp 1968)."""
    scaled = x * (2.0**27 + 1)
    upper = scaled - (scaled - x)
    return upper, x - upper


default_generator = Generator()
default_generator._seed = secrets.randbits(64)  # as in PyTorch, a program that sets no seed draws others each time


def manual_seed(seed: int) -> Generator:
    """Begin the default generator's stream that belongs to ``seed``. Counterpart: ``torch.manual_seed``.

    >>> generator = minigrad.manual_seed(0)
    >>> minigrad.rand(3)  # what torch.rand gives after the same seed
    tensor([0.4963, 0.7682, 0.0885])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Begin a stream that nobody can foresee, and return its seed. Counterpart: ``torch.seed``."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator. Counterpart: ``torch.initial_seed``."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Where the default generator's stream is: a uint8 tensor of 5056 bytes. Counterpart: ``torch.get_rng_state``."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Go on from a state of :func:`get_rng_state`. Counterpart: ``torch.set_rng_state``."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True) -> Iterator[None]:
    """Inside, random numbers may be drawn; afterwards the stream goes on as if none had been.

    Args:
        devices: PyTorch's further devices, of which minigrad has none; not used.
        enabled: without it, nothing is done. Counterpart: ``torch.random.fork_rng``.
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        try:
            set_rng_state(state)
        except BaseException:  # Ctrl-C, which has its way when this is done
            set_rng_state(state)
            raise
