"""Strides: users see PyTorch's, whichever order a kernel chose, and random numbers are drawn in the order they tell."""

import copy
import io
import pickle
import random

import numpy as np
import pytest
import torch

import minigrad
from comparisons.conversion import tensors_in
from tests.comparisons.test_operator_database import OPERATIONS, find, samples
from tests.thorough import THOROUGH

pytestmark = pytest.mark.usefixtures("unmeasured")

ENGINES = (torch, minigrad)
MOST_SAMPLES = 4  # of each operation

DIFFERENT = {  # PyTorch's strides that minigrad does not have: docs/differences.md
    "nonzero": "of a tensor without dimensions",
    "stack": "channels-last pictures of a single sample and a single row",
    "nn.functional.rms_norm": "of empty inputs",
    "nn.functional.local_response_norm": "of empty inputs, which it gives back: NumPy hands over none of their strides",
}


# ------------------------------------------------------------------------------------------------- inputs laid by users


def laid(value, way):
    """A tensor's values laid as a user may lay them; sequences of tensors likewise."""
    if isinstance(value, (list, tuple)):
        return type(value)(laid(each, way) for each in value)
    if not isinstance(value, torch.Tensor) or value.ndim < 2 or value.numel() == 0:
        return value
    ndim = value.ndim
    if way == "reversed":
        order = list(range(ndim))[::-1]
    elif way == "channels last" and ndim in (3, 4):
        order = [*range(ndim - 3), ndim - 2, ndim - 1, ndim - 3]
    elif way == "with gaps":
        return torch.stack([value, value], -1)[..., 0]
    else:
        return value
    return value.permute(order).contiguous().permute([order.index(dim) for dim in range(ndim)])


def converted(value):
    """minigrad's tensors for PyTorch's, in the same memory."""
    if isinstance(value, torch.Tensor):
        return minigrad.from_numpy(value.numpy())
    if isinstance(value, torch.dtype):
        return getattr(minigrad, str(value).removeprefix("torch."))
    if isinstance(value, (list, tuple)):
        return type(value)(converted(each) for each in value)
    return value


def layouts(sample):
    """The arguments of a sample, the input laid in one way and what it meets in the same or in order, or the other way
    round; each layout once: few ways are another one for few dimensions.
    """
    seen = set()
    for way in ("in order", "reversed", "channels last", "with gaps"):
        for first, second in ((way, way), (way, "in order"), ("in order", way)):
            given = [laid(sample.input, first), *laid(tuple(sample.args), second)]
            options = {key: laid(value, second) for key, value in sample.kwargs.items()}
            strides = tuple(each.stride() for each in tensors_in([given, options]))
            if strides not in seen:
                seen.add(strides)
                yield given, options


def called(name, operation, given, options):
    """Both engines' results on arguments; nothing where PyTorch refuses arguments laid so."""
    try:
        theirs = operation(*given, **options)
    except RuntimeError:
        return [], []
    function = find(name) if hasattr_path(name) else getattr(minigrad.Tensor, name)
    ours = function(*[converted(each) for each in given], **{key: converted(value) for key, value in options.items()})
    return [each if isinstance(each, (list, tuple)) else [each] for each in (ours, theirs)]


def hasattr_path(name):
    owner = minigrad
    for part in name.split("."):
        owner = getattr(owner, part, None)
    return owner is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_lie_as_pytorchs(name):
    operation = OPERATIONS[name]
    whole = operation.name.startswith("bitwise") or operation.name.endswith("one_hot")
    kind = torch.int64 if whole else torch.float32
    every = list(samples(operation, kind, requires_grad=False))
    for sample in every[:: max(1, len(every) // MOST_SAMPLES)][:MOST_SAMPLES]:
        for given, options in layouts(sample):
            ours, theirs = called(operation.name, operation, given, options)
            for one, two in zip(ours, theirs, strict=True):
                if isinstance(two, torch.Tensor) and not (operation.name in DIFFERENT and is_odd(two)):
                    where = [each.stride() for each in tensors_in([given, options])], sample
                    assert one.stride() == two.stride(), where
                    assert one.is_contiguous() == two.is_contiguous(), where


LAID = {
    "a loss with logits": lambda e, x: e.nn.functional.binary_cross_entropy_with_logits(
        x, e.ones(x.shape), reduction="none"
    ),
    "a loss with logits, the target laid": lambda e, x: e.nn.functional.binary_cross_entropy_with_logits(
        e.ones(x.shape), x, reduction="none"
    ),
    "groups": lambda e, x: e.nn.functional.group_norm(x, 3),
    "groups, with a weight": lambda e, x: e.nn.functional.group_norm(x, 3, e.ones(6), e.ones(6)),
}


@pytest.mark.parametrize("name", LAID)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0)], ids=str)
def test_what_meets_one_laid_input(name, order):
    """The database has few sizes: one picture of it may be channels-last and in order at once."""
    shape, back = [2, 6, 3, 5], np.argsort(order).tolist()
    ours, theirs = [
        LAID[name](e, e.arange(180.0).reshape(shape).permute(order).contiguous().permute(back)) for e in ENGINES
    ]
    assert ours.stride() == theirs.stride()


def is_odd(result):
    return result.numel() == 0 or 1 in result.shape


# ------------------------------------------------------------------------------------------------------ chains of views


def draw_step(draw, tensor):
    """A random operation that ``tensor`` admits, as a function of a tensor and its engine."""
    dim = draw.randrange(tensor.ndim) if tensor.ndim else 0
    size = tensor.shape[dim] if tensor.ndim else 1
    order = draw.sample(range(tensor.ndim), tensor.ndim)
    wide = [
        *draw.choice([[], [1], [2], [1, 2]]),
        *[draw.choice([1, 3]) if each == 1 else each for each in tensor.shape],
    ]
    other = [each if draw.random() < 0.7 else 1 for each in tensor.shape]
    count = tensor.numel()
    shape = draw.choice([[count], [1, count], [count, 1], [1, count, 1], [*tensor.shape, 1], [1, *tensor.shape]])
    steps = {
        "unsqueeze": lambda x, engine: x.unsqueeze(dim),
        "unsqueeze last": lambda x, engine: x.unsqueeze(-1),
        "squeeze": lambda x, engine: x.squeeze(),
        "expand": lambda x, engine: x.expand(wide),
        "reshape": lambda x, engine: x.reshape(shape),
        "product": lambda x, engine: x * 2,
        "relu": lambda x, engine: engine.relu(x),
        "clone": lambda x, engine: x.clone(),
        "contiguous": lambda x, engine: x.contiguous(),
        "zeros_like": lambda x, engine: engine.zeros_like(x),
        "rand_like": lambda x, engine: engine.rand_like(x),
        "sum before": lambda x, engine: x + engine.ones(other),
        "sum after": lambda x, engine: engine.ones(other) + x,
    }
    if tensor.ndim:
        half = slice(draw.choice([None, 0]), draw.choice([None, 1, 2]), draw.choice([None, 1, 2]))
        steps |= {
            "permute": lambda x, engine: x.permute(order),
            "slice": lambda x, engine: x[(slice(None),) * dim + (half,)],
            "select": lambda x, engine: x.select(dim, -1),
            "narrow": lambda x, engine: x.narrow(dim, 0, (size + 1) // 2),
            "flip": lambda x, engine: x.flip(dim),
            "cat": lambda x, engine: engine.cat([x, x], dim),
            "unfold": lambda x, engine: x.unfold(dim, 1, 2),
            "total": lambda x, engine: x.sum(dim, keepdim=True),
        }
    if tensor.ndim > 1:
        steps["diagonal"] = lambda x, engine: x.diagonal(0, 0, 1)
    return draw.choice(list(steps.items()))


@pytest.mark.parametrize("first", range(10))
def test_chains_of_operations(first):
    """Random chains of views and results: strides, and what is drawn in their order."""
    for seed in range(first, 1000 if THOROUGH else 250, 10):
        draw = random.Random(seed)
        shape = [draw.choice([1, 1, 2, 3, 5]) for _ in range(draw.randint(1, 4))]
        both = [engine.arange(float(np.prod(shape))).reshape(shape).clone() for engine in ENGINES]
        done = [shape]
        for _ in range(draw.randint(1, 6)):
            name, step = draw_step(draw, both[0])
            for engine in ENGINES:
                engine.default_generator.manual_seed(seed)  # PyTorch's manual_seed takes longer than all else here
            both = [step(tensor, engine) for tensor, engine in zip(both, ENGINES, strict=True)]
            done.append(name)
            theirs, ours = both
            assert ours.stride() == theirs.stride(), done
            assert ours.is_contiguous() == theirs.is_contiguous(), done
            assert torch.allclose(torch.tensor(ours.tolist()), theirs), done


# --------------------------------------------------------------------------------------------- networks, whole, in step


class Convolutions:
    """Dropout, and noise drawn like results of layers, behind layers whose kernels choose the order in memory."""

    def __init__(self, engine):
        nn = engine.nn
        self.engine = engine
        self.layers = nn.ModuleList(
            [nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5)]
        )

    def __call__(self, x):
        engine, functional = self.engine, self.engine.nn.functional
        first, norm, second, last = self.layers
        y = functional.dropout(engine.relu(norm(first(x))), 0.3)
        z = second(functional.dropout2d(y, 0.2))
        z = z * engine.zeros_like(z).bernoulli_(0.9) + y + 0.1 * engine.empty_like(z).normal_() + engine.rand_like(z)
        z = functional.dropout(functional.interpolate(functional.avg_pool2d(z, 2), scale_factor=2), 0.1)
        return last(functional.adaptive_avg_pool2d(functional.dropout(z, 0.2), 1).flatten(1))


class Attention(Convolutions):
    """Pictures that the network lays channels-last itself, by a permute behind attention, meet others."""

    def __call__(self, x):
        engine, functional = self.engine, self.engine.nn.functional
        first, norm, second, last = self.layers
        y = engine.relu(norm(first(x)))
        count, _, height, width = y.shape
        tokens = y.flatten(2).transpose(1, 2)
        mixed = functional.dropout((tokens @ tokens.transpose(1, 2)).softmax(-1), 0.2) @ tokens
        z = mixed.permute(0, 2, 1).unflatten(2, (height, width))
        z = functional.dropout(z, 0.2) + functional.dropout(y, 0.1)
        z = second(functional.dropout(engine.cat([z, y])[:count] + engine.randn_like(z), 0.2))
        return last(functional.dropout(z, 0.3).mean((2, 3)))


@pytest.mark.parametrize("network", [Convolutions, Attention])
def test_networks_that_draw_go_in_step(network):
    """Nobody looks at a tensor in between: to look may lay it in order, and hide that it was not seen so."""
    images, labels = np.random.default_rng(0).random((6, 1, 9, 9)), np.arange(6) % 5
    losses = []
    for engine in ENGINES:
        engine.manual_seed(0)
        model = network(engine)
        model.layers.double()
        optimizer = engine.optim.Adam(model.layers.parameters(), lr=1e-2)
        losses.append([])
        for _ in range(4):
            optimizer.zero_grad()
            logits = model(engine.from_numpy(images))
            loss = engine.nn.functional.cross_entropy(logits, engine.from_numpy(labels))
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
        losses[-1].append(engine.rand(1).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


# ----------------------------------------------------------------------------------------------------------- the record


def test_what_a_kernel_chose_is_not_seen():
    y = minigrad.nn.functional.conv2d(minigrad.rand(2, 3, 5, 5), minigrad.rand(4, 3, 3, 3))
    assert not y.array.flags.c_contiguous
    results = [y, minigrad.relu(y), y * y, y.clone(), minigrad.zeros_like(y), pickle.loads(pickle.dumps(y * 2))]
    file = io.BytesIO()
    minigrad.save(y * 3, file)
    results.append(torch.load(io.BytesIO(file.getvalue())))
    for result in results:
        assert result.stride() == (36, 9, 3, 1) and result.is_contiguous()


@pytest.mark.parametrize("recorded", [True, False])
def test_what_lapack_computes_lies_in_columns(recorded):
    for engine in ENGINES:
        matrix = engine.tensor([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]], requires_grad=recorded)
        inverse, vectors = engine.linalg.inv(matrix), engine.linalg.eigh(matrix).eigenvectors
        assert inverse.stride() == vectors.stride() == inverse.clone().stride() == (1, 3)
        assert engine.linalg.solve(matrix, matrix, left=False).is_contiguous()
        if recorded:
            inverse.sum().backward()
            assert matrix.grad.is_contiguous()


def test_a_gradient_lies_as_its_leaf():
    values = np.arange(6.0).reshape(3, 2)
    for engine in ENGINES:
        leaf = engine.nn.Parameter(engine.from_numpy(values).t())
        (leaf * leaf).sum().backward()
        assert leaf.stride() == leaf.grad.stride() == (1, 2)
        assert leaf.grad.tolist() == (2 * values.T).tolist()


def test_a_copy_of_a_laid_tensor_is_laid_so():
    for engine in ENGINES:
        laid = engine.arange(6.0).reshape(3, 2).t()
        for same in (copy.deepcopy(laid), pickle.loads(pickle.dumps(laid)), laid.detach(), laid.data, laid.numpy()):
            steps = tuple(step // 4 for step in same.strides) if isinstance(same, np.ndarray) else same.stride()
            assert steps == (1, 2)


def test_what_has_a_single_place_to_go_is_a_copy():
    """A factor of 1 moves nothing: the result has its own memory all the same."""
    for function in ("pixel_shuffle", "pixel_unshuffle"):
        x = minigrad.ones(1, 4, 2, 2)
        getattr(minigrad.nn.functional, function)(x, 1).zero_()
        assert x.array.all()
