"""Tensor's own methods, properties and operators against PyTorch: the same result, or the same type of exception
or, since warnings are errors here, of warning."""

import copy
import pickle

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_outcome


def x(e, *shape):
    """0, 1, 2 … in a shape; without one, 2.5."""
    return e.arange(float(np.prod(shape))).reshape(shape) if shape else e.tensor(2.5)


# what a tensor is, and how it leaves the engine
VALUES = [
    lambda e: x(e).item(),
    lambda e: e.tensor([3]).item(),
    lambda e: x(e, 2).item(),
    lambda e: e.tensor([]).item(),
    lambda e: x(e, 2, 3).tolist(),
    lambda e: e.tensor(True).tolist(),
    lambda e: e.ones(2, requires_grad=True).numpy(),
    lambda e: e.ones(2, requires_grad=True).detach().numpy(),
    lambda e: np.asarray(e.ones(2, requires_grad=True)),
    lambda e: e.no_grad()(e.ones(2, requires_grad=True).numpy)(),
    lambda e: e.no_grad()(lambda: np.asarray(e.ones(2, requires_grad=True) * 2))(),
    lambda e: e.inference_mode()(lambda: np.asarray(e.ones(2, requires_grad=True)))(),
    lambda e: e.no_grad()(lambda: np.sum(e.ones(2, requires_grad=True).numpy()))(),
    lambda e: e.ones(1).expand(3).numpy().flags.writeable,
    lambda e: np.asarray(x(e, 2), np.float64),
    lambda e: x(e, 2, 3).size(1),
    lambda e: x(e, 2, 3).size(2),
    lambda e: x(e, 2, 3).size(),
    lambda e: x(e, 2, 3).dim(),
    lambda e: x(e, 2, 3).stride(),
    lambda e: x(e, 2, 3).t().stride(),
    lambda e: x(e, 2, 3).stride(-1),
    lambda e: x(e, 2, 3).stride(2),
    lambda e: x(e, 2, 0, 3).stride(),
    lambda e: x(e, 1, 1).stride(),
    lambda e: e.ones(1, 3).expand(4, 3).stride(),
    lambda e: x(e, 2, 3).numel(),
    lambda e: x(e, 2, 3).nelement(),
    lambda e: x(e, 2, 3).element_size(),
    lambda e: x(e, 2, 3).t().is_contiguous(),
    lambda e: x(e, 1, 3).t().is_contiguous(),
    lambda e: x(e, 2, 3).is_floating_point(),
    lambda e: e.tensor([1]).is_floating_point(),
    lambda e: x(e, 2, 3).T,
    lambda e: x(e, 2, 3).mT,
    lambda e: x(e, 2).T,
    lambda e: x(e, 2, 3, 4).T,
    lambda e: x(e).T,
    lambda e: x(e, 2).mT,
    lambda e: len(x(e, 3, 2)),
    lambda e: len(x(e)),
    lambda e: list(x(e)),
    lambda e: list(x(e, 2, 2)),
    lambda e: list(e.zeros(0)),
    lambda e: bool(x(e)),
    lambda e: bool(x(e, 2)),
    lambda e: bool(e.tensor([])),
    lambda e: bool(e.tensor([0])),
    lambda e: float(x(e)),
    lambda e: float(e.tensor([[2]])),
    lambda e: float(x(e, 2)),
    lambda e: int(x(e)),
    lambda e: int(e.tensor(-2.7)),
    lambda e: int(e.tensor(float("nan"))),
    lambda e: int(x(e, 2)),
    lambda e: range(9)[e.tensor(2)],
    lambda e: range(9)[e.tensor([2])],
    lambda e: range(9)[x(e)],
    lambda e: range(9)[e.tensor([1, 2])],
    lambda e: range(9)[e.tensor(True)],
    lambda e: 2 in e.tensor([1, 2]),
    lambda e: 5 in e.tensor([1, 2]),
    lambda e: e.tensor(1) in e.tensor([1, 2]),
    lambda e: "a" in e.tensor([1, 2]),
    lambda e: round(e.tensor(2.5)),
    lambda e: round(e.tensor(2.567), 2),
    lambda e: format(x(e), ".2f"),
    lambda e: format(e.ones(1), ".2f"),
    lambda e: f"{e.tensor(3)}",
    lambda e: f"{e.tensor(2.5):8.3f}",
    lambda e: hash(x(e)) is not None,
    lambda e: x(e, 2).is_cuda,
]

# Python's operators
OPERATORS = [
    lambda e: x(e) == x(e),
    lambda e: x(e, 2) == None,  # noqa: E711
    lambda e: x(e, 2) != None,  # noqa: E711
    lambda e: x(e, 2) == "a",
    lambda e: x(e, 2) < None,
    lambda e: x(e, 2) < "a",
    lambda e: x(e, 2) + "a",
    lambda e: x(e, 2) + None,
    lambda e: x(e, 2) - [1.0, 2.0],
    lambda e: np.float64(2) * x(e, 2),
    lambda e: x(e, 2) * np.float64(2),
    lambda e: True + x(e, 2),
    lambda e: x(e, 2) - True,
    lambda e: e.tensor([True]) - e.tensor([True]),
    lambda e: e.tensor([True]) - True,
    lambda e: 1 - e.tensor([True]),
    lambda e: -e.tensor([True]),
    lambda e: +e.tensor([True]),
    lambda e: abs(e.tensor([True])),
    lambda e: abs(e.tensor([-1])),
    lambda e: +x(e, 2),
    lambda e: e.tensor([1, 2]) / e.tensor([0, 2]),
    lambda e: e.tensor([1, 2]) // e.tensor([2, 2]),
    lambda e: e.tensor([7, -7]) // 2,
    lambda e: e.tensor([7.0, -7.0]) // 2,
    lambda e: 7 // e.tensor([2, -2]),
    lambda e: e.tensor([7, -7]) % 3,
    lambda e: e.tensor([7.0, -7.0]) % 3,
    lambda e: 7 % e.tensor([2, -2]),
    lambda e: divmod(e.tensor([7]), 3),
    lambda e: e.tensor([7]) // 0,
    lambda e: e.tensor([7]) % 0,
    lambda e: e.tensor([7.0]) // 0,
    lambda e: e.tensor([1, 2]) << 1,
    lambda e: e.tensor([4, 2]) >> 1,
    lambda e: 1 << e.tensor([1, 2]),
    lambda e: e.tensor([1, 2]) ** -1,
    lambda e: e.tensor([1, 2]) ** 2,
    lambda e: e.tensor([1, 2]) ** 0.5,
    lambda e: 2 ** e.tensor([1, 2]),
    lambda e: 2 ** e.tensor([1.0, 2.0]),
    lambda e: e.tensor([1, 2]) & 3,
    lambda e: 3 & e.tensor([1, 2]),
    lambda e: e.tensor([1, 2]) | e.tensor([4, 4]),
    lambda e: e.tensor([1, 2]) ^ 3,
    lambda e: e.tensor([True, False]) & True,
    lambda e: e.tensor([1.0]) & 1,
    lambda e: ~e.tensor([1, 2]),
    lambda e: ~e.tensor([True]),
    lambda e: ~x(e),
    lambda e: e.tensor([1, 2], dtype=e.uint8) & e.tensor([1, 2], dtype=e.int16),
    lambda e: x(e, 2, 3) @ x(e, 3),
    lambda e: x(e, 2, 3) @ x(e, 2),
    lambda e: x(e, 2) @ 3,
    lambda e: x(e) @ x(e),
    lambda e: np.ones((2, 2)) @ x(e, 2),
    lambda e: e.tensor([True]) // True,
    lambda e: e.tensor([True]) % True,
    lambda e: e.tensor([True]) << 1,
    lambda e: e.tensor([True]) << e.tensor([True]),
    lambda e: e.tensor([True]) >> True,
    lambda e: e.tensor([True]) << e.tensor([1]),
    lambda e: e.tensor([1.0]) << 1,
    lambda e: e.tensor([1]) << -1,
    lambda e: e.tensor([1]) << 70,
    lambda e: e.tensor([-8]) >> 70,
    lambda e: e.tensor([1], dtype=e.int8) << 9,
    lambda e: e.tensor([5.0, -5.0, 0.0, np.nan]) // 0,
    lambda e: e.tensor([-0.0]) // 1.0,
    lambda e: e.tensor([-1.0]) // float("inf"),
    lambda e: e.tensor([-5.0, 0.0, -0.0]) % e.tensor([np.inf, -2.0, 3.0]),
    lambda e: e.fmod(e.tensor([-5.0, 0.0, -0.0]), e.tensor([np.inf, -2.0, 3.0])),
    lambda e: e.tensor([5.0, -5.0]) % 0,
    lambda e: e.fmod(e.tensor([7, -7]), 3),
    lambda e: e.fmod(e.tensor([7]), 0),
    lambda e: e.div(e.tensor([7, -7]), 2, rounding_mode="trunc"),
    lambda e: e.div(e.tensor([7, -7]), 2, rounding_mode="floor"),
    lambda e: e.div(e.tensor([7.0, -7.0]), 2, rounding_mode="trunc"),
    lambda e: e.div(e.tensor([7]), 2, rounding_mode="up"),
    lambda e: e.div(e.tensor([7]), 0, rounding_mode="trunc"),
]

# types and devices
CONVERSIONS = [
    lambda e: x(e, 2, 3).to(e.float64),
    lambda e: x(e, 2, 3).to("cpu"),
    lambda e: x(e, 2, 3).to("cpu", e.int64),
    lambda e: x(e, 2).to(e.tensor([1])),
    lambda e: x(e, 2).to(e.float16, copy=True),
    lambda e: x(e, 2).to(dtype=e.float64),
    lambda e: x(e, 2).to("abc"),
    lambda e: x(e, 2).to(3),
    lambda e: x(e, 2).to(),
    lambda e: x(e, 2).to(None),
    lambda e: x(e, 2).to(device="cpu", dtype=e.bool),
    lambda e: x(e, 2).to("cpu", non_blocking=True),
    lambda e: x(e, 2).to(e.device("cpu")),
    lambda e: x(e, 2).to("cuda"),
    lambda e: x(e, 2).to(e.device("cuda:0")),
    lambda e: x(e, 2).to(0),
    lambda e: x(e, 2).cuda(),
    lambda e: e.zeros(2, device="cuda"),
    lambda e: e.as_tensor(x(e, 2), device="cuda"),
    lambda e: e.nn.Linear(2, 2).cuda(),
    lambda e: e.nn.Linear(2, 2).to("cuda:1"),
    lambda e: [e.device(name) for name in ("cuda", "cuda:0", "cpu:1", "mps", "xpu:2", 3, e.device("cuda:1"))],
    lambda e: [str(e.device("cuda", 1)), e.device("cuda:1").type, e.device("cuda:1").index],
    lambda e: e.device("cuda:0") == e.device("cuda", 0) != e.device("cuda"),
    lambda e: e.device("cpu") == "cpu",
    lambda e: len({e.device("cuda"), e.device("cpu"), e.device("cuda")}),
    lambda e: e.device("abacus"),
    lambda e: e.device("cuda:x"),
    lambda e: e.device("cuda:01"),
    lambda e: e.device("cuda:-1"),
    lambda e: e.device("cuda:"),
    lambda e: e.device("cuda:0", 1),
    lambda e: e.device("cuda", -1),
    lambda e: e.device(None),
    lambda e: e.device(e.device("cuda"), 1),
    lambda e: x(e, 2).type_as(e.tensor([1])),
    lambda e: x(e, 2).float().dtype == e.float32,
    lambda e: x(e, 2).double(),
    lambda e: x(e, 2).half(),
    lambda e: x(e, 2).long(),
    lambda e: x(e, 2).int(),
    lambda e: x(e, 2).short(),
    lambda e: x(e, 2).char(),
    lambda e: x(e, 2).byte(),
    lambda e: x(e, 2).bool(),
    lambda e: x(e, 2).cpu(),
    lambda e: x(e, 2).requires_grad_().requires_grad,
    lambda e: e.tensor([1]).requires_grad_(),
    lambda e: e.tensor([1]).requires_grad_(False),
    lambda e: (e.ones(2, requires_grad=True) * 2).requires_grad_(False),
    lambda e: (e.ones(2, requires_grad=True) * 2).requires_grad_(),
]

# what a shape does as a tuple
SIZES = [
    lambda e: x(e, 2, 3).shape[1:],
    lambda e: x(e, 2, 3).shape[::-1],
    lambda e: x(e, 2, 3).shape[-1],
    lambda e: x(e, 2, 3).shape + (4,),
    lambda e: (4,) + x(e, 2, 3).shape,
    lambda e: x(e, 2, 3).shape + x(e, 4).shape,
    lambda e: x(e, 2, 3).shape * 2,
    lambda e: 2 * x(e, 2, 3).shape,
    lambda e: x(e, 2, 3).shape * 1.5,
    lambda e: x(e, 2, 3).shape + [4],
    lambda e: [4] + x(e, 2, 3).shape,
    lambda e: x(e, 2, 3).shape + (1.5,),
    lambda e: ("a",) + x(e, 2, 3).shape,
    lambda e: x(e, 2, 3).shape["a"],
    lambda e: [x(e, 2, 3).shape == (2, 3), hash(x(e, 2, 3).shape) == hash((2, 3)), x(e, 2, 3).shape < (3,)],
    lambda e: [
        e.Size(),
        e.Size(range(2)),
        e.Size([True]),
        e.Size([e.tensor(2)]),
        e.Size([-1]),
    ],
    lambda e: [pickle.loads(pickle.dumps(e.Size([2]))), copy.deepcopy(e.Size([2])), e.Size([2, 3])[1:].numel()],
    lambda e: e.Size([1, 2.5]),
    lambda e: e.Size([None]),
    lambda e: e.Size("ab"),
    lambda e: e.Size(3),
    lambda e: e.Size([e.tensor(2.0)]),
]

# every form of x[...]
INDEXING = [
    lambda e: x(e, 2)[0],
    lambda e: x(e, 2)[2],
    lambda e: x(e, 2)[-3],
    lambda e: x(e)[0],
    lambda e: x(e)[...],
    lambda e: x(e)[None],
    lambda e: x(e)[()],
    lambda e: x(e)[True],
    lambda e: x(e)[False],
    lambda e: x(e, 2)[True],
    lambda e: x(e, 2)[None, True],
    lambda e: x(e, 2, 3)[0, 1],
    lambda e: x(e, 2, 3)[0, 1, 0],
    lambda e: x(e, 2, 3)[..., 0],
    lambda e: x(e, 2, 3)[..., 0, ...],
    lambda e: x(e, 2, 3)[:, ::2],
    lambda e: x(e, 2, 3)[:, ::-1],
    lambda e: x(e, 2, 3)[::0],
    lambda e: x(e, 2, 3)[5:],
    lambda e: x(e, 2, 3)[-5:1],
    lambda e: x(e, 2, 3)[1:0],
    lambda e: x(e, 2, 3)[1.5],
    lambda e: x(e, 2, 3)["a"],
    lambda e: x(e, 2, 3)[[0, 1]],
    lambda e: x(e, 2, 3)[[0, 1], [1, 2]],
    lambda e: x(e, 2, 3)[[0, 2]],
    lambda e: x(e, 2, 3)[[]],
    lambda e: x(e, 2, 3)[[0.5]],
    lambda e: x(e, 2, 3)[e.tensor([1, 0])],
    lambda e: x(e, 2, 3)[e.tensor([1.0, 0.0])],
    lambda e: x(e, 2, 3)[e.tensor([1, 0], dtype=e.int32)],
    lambda e: x(e, 2, 3)[e.tensor([1, 0], dtype=e.int16)],
    lambda e: x(e, 2, 3)[e.tensor([1, 0], dtype=e.uint8)],
    lambda e: x(e, 2, 3)[e.tensor(1)],
    lambda e: x(e, 2, 3)[e.tensor(5)],
    lambda e: x(e, 2, 3)[np.array([1, 0])],
    lambda e: x(e, 2, 3)[np.int64(1)],
    lambda e: x(e, 2, 3)[e.tensor([True, False])],
    lambda e: x(e, 2, 3)[e.tensor([True, False, True])],
    lambda e: x(e, 2, 3)[x(e, 2, 3) > 2],
    lambda e: x(e, 2, 3)[:, e.tensor([True, False, True])],
    lambda e: x(e, 2, 3)[[True, False]],
    lambda e: x(e, 2, 3)[x(e, 2, 2) > 2],
    lambda e: x(e, 2, 3)[(x(e, 2, 3) > 2), 0],
    lambda e: x(e, 2, 3, 4)[[0, 1], :, [1, 2]],
    lambda e: x(e, 2, 3, 4)[:, [0, 1], [1, 2]],
    lambda e: x(e, 2, 3, 4)[[0, 1], None, [1, 2]],
    lambda e: x(e, 2, 3, 4)[0, :, [1, 2]],
    lambda e: x(e, 2, 3, 4)[e.tensor([[0, 1], [1, 0]])],
    lambda e: x(e, 2, 3, 4)[[0, 1], [0, 1, 2]],
    lambda e: x(e, 2, 3, 4)[[[0, 1], [1, 0]]],
    lambda e: x(e, 2, 3)[(0, 1),],
    lambda e: x(e, 2, 3)[slice(e.tensor(0), e.tensor(1))],
    lambda e: x(e, 2, 3)[e.tensor([[True, False, True], [False, True, False]])],
    lambda e: x(e, 0, 3)[e.tensor([], dtype=e.int64)],
    lambda e: x(e, 3)[e.tensor([-1, -3])],
    lambda e: x(e, 3)[e.tensor([-4])],
    lambda e: x(e, 2, 3)[np.array([[0, 1], [1, 0]])],
    lambda e: x(e, 2, 3)[np.array([1.0, 0])],
    lambda e: x(e, 2, 3)[np.array([1, 0], np.int16)],
    lambda e: x(e, 2, 3)[np.array([1, 0], np.uint8)],
    lambda e: x(e, 2, 3, 4)[x(e, 2, 3) > 2, 0],
    lambda e: x(e, 2, 3, 4)[x(e, 2, 3) > 2, 1:3],
    lambda e: x(e, 2, 3, 4)[x(e, 2, 3) > 2, ..., 1],
    lambda e: x(e, 2, 3, 4)[..., x(e, 3, 4) > 2],
    lambda e: x(e, 2, 3, 4)[0, x(e, 3, 4) > 2],
    lambda e: x(e, 2, 3, 4)[x(e, 2, 3) > 2, [0, 1, 2]],
    lambda e: x(e, 2, 3, 4)[[0, 1], ..., [0, 1]],
    lambda e: x(e, 2, 3)[[0, slice(None)]],
    lambda e: x(e, 2, 3)[[None, 0]],
    lambda e: x(e, 2, 3)[[e.tensor(0), 1]],
    lambda e: x(e, 2, 3)[((0, 1), (1, 2))],
    lambda e: x(e, 2, 3)[[0, True]],
    lambda e: x(e, 2, 3)[range(2)],
    lambda e: x(e, 2, 3)[np.bool_(True)],
    lambda e: x(e, 2, 3)[np.array(True)],
    lambda e: x(e, 2, 3)[np.array(1)],
    lambda e: x(e, 2, 3)[e.tensor(1, dtype=e.uint8)],
    lambda e: x(e, 2, 3)[e.tensor(1, dtype=e.int16)],
    lambda e: x(e, 2, 3)[e.tensor(1.0)],
    lambda e: x(e, 2, 3)[{}],
    lambda e: x(e, 2, 3)[:1.5],
    lambda e: x(e, 2, 3)[e.tensor([0, 1]), e.tensor([0, 1, 2])],
    lambda e: x(e, 2, 3)[True, False],
    lambda e: x(e, 2, 3)[True, [1, 0]],
    lambda e: x(e, 2, 3)[True, ..., [1, 0]],
    lambda e: x(e)[[]],
    lambda e: x(e)[e.tensor(True)],
    lambda e: x(e)[:],
    lambda e: x(e)[e.tensor(0)],
    lambda e: x(e, 0, 3)[0],
    lambda e: x(e, 0, 3)[:, 1],
    lambda e: x(e, 2, 3)[None, None, ..., None],
    lambda e: x(e, 2, 3)[e.zeros(0, 3, dtype=e.long)],
    lambda e: x(e, 2, 3)[e.zeros(0, dtype=e.bool)],
]


@pytest.fixture(autouse=True)
def every_warning():
    """PyTorch says some of its warnings once a process; here each time, so that the order of tests does not matter."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def numbered(calls):
    return [pytest.param(call, id=f"line {call.__code__.co_firstlineno}") for call in calls]


@pytest.mark.parametrize("call", numbered([*VALUES, *OPERATORS, *CONVERSIONS, *SIZES, *INDEXING]))
def test_outcome(call):
    check_outcome("the call", call)


def test_equality_with_what_is_no_tensor_is_python_s():
    assert (minigrad.ones(2) == "a") is False and (minigrad.ones(2) != [1.0, 1.0]) is True


def assigned(shape, dtype, index, value):
    """What x holds after x[index] = value, and how often it was changed."""

    def call(e):
        tensor = x(e, *shape).to(getattr(e, dtype))
        tensor[index(e, tensor)] = value(e)
        return tensor, tensor._version

    return call


def ones(*shape, **options):
    return lambda e: e.ones(*shape, **options)


ASSIGNED = {
    "a row": (lambda e, t: 0, lambda e: 7),
    "a row from a tensor": (lambda e, t: 0, lambda e: e.tensor([1, 2, 3])),
    "a row from a tensor of another type": (lambda e, t: 0, lambda e: e.tensor([1, 2, 3], dtype=e.float64)),
    "a row from too many dimensions of size 1": (lambda e, t: 0, ones(1, 1, 3)),
    "a row from too many rows": (lambda e, t: 0, ones(2, 3)),
    "a row from too few": (lambda e, t: 0, ones(2)),
    "a row from a list": (lambda e, t: 0, lambda e: [1, 2, 3]),
    "a row from an array": (lambda e, t: 0, lambda e: np.ones(3)),
    "a row from a NumPy number": (lambda e, t: 0, lambda e: np.float64(3)),
    "a row from nothing": (lambda e, t: 0, lambda e: None),
    "a row from a string": (lambda e, t: 0, lambda e: "a"),
    "a row from a truth": (lambda e, t: 0, lambda e: True),
    "an element": (lambda e, t: (0, 0), ones(1, 1)),
    "an element from two": (lambda e, t: (0, 0), ones(2)),
    "no such row": (lambda e, t: 5, ones(())),
    "a column": (lambda e, t: (slice(None), 1), ones(2)),
    "a column from a column": (lambda e, t: (slice(None), 1), ones(2, 1)),
    "everything": (lambda e, t: ..., ones(3)),
    "everything, no index": (lambda e, t: (), ones(1)),
    "everything, a slice": (lambda e, t: slice(None), ones(3)),
    "rows": (lambda e, t: [0, 1], lambda e: 5),
    "rows from a tensor": (lambda e, t: [0, 1], ones(1, 1, 1, 3)),
    "rows from another type": (lambda e, t: [0, 1], lambda e: e.ones(3, dtype=e.float64)),
    "a row twice": (lambda e, t: e.tensor([0, 0]), lambda e: e.tensor([[1.0], [2.0]])),
    "rows from too few": (lambda e, t: [0], ones(2)),
    "a row, then columns": (lambda e, t: (0, [0, 1]), lambda e: 9),
    "rows, then columns": (lambda e, t: (slice(1, None), [0, 1]), ones(1, 2)),
    "a mask": (lambda e, t: t > 2, lambda e: 0),
    "a mask from as many": (lambda e, t: t > 2, ones(3)),
    "a mask from too few": (lambda e, t: t > 2, ones(2)),
    "a mask from none": (lambda e, t: t > 2, ones(0)),
    "a mask of another shape": (lambda e, t: (t > 2)[:, :2], lambda e: 0),
    "True": (lambda e, t: True, lambda e: 7),
    "False": (lambda e, t: False, lambda e: 7),
    "None": (lambda e, t: None, lambda e: 7),
    "half a number": (lambda e, t: 0, lambda e: 2.7),
    "half a number from a tensor": (lambda e, t: 0, lambda e: e.tensor(2.7)),
    "not a number": (lambda e, t: 0, lambda e: float("nan")),
    "too large a number": (lambda e, t: 0, lambda e: 300),
    "a negative number": (lambda e, t: 0, lambda e: -1),
    "a number beyond 64 bits": (lambda e, t: 0, lambda e: 2**63),
}


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
@pytest.mark.parametrize("name", ASSIGNED)
def test_assignment(name, dtype):
    check_outcome(name, assigned((2, 3), dtype, *ASSIGNED[name]))


def recorded(index, value):
    """The graph and the gradients of (2 x, changed at index) squared."""

    def call(e):
        tensor = x(e, 2, 3).requires_grad_()
        written = value(e).requires_grad_()
        changed = tensor * 2
        changed[index(e, changed)] = written
        (changed * changed).sum().backward()
        return (
            changed,
            changed.grad_fn.name(),
            [graph_of(node) for node, _ in changed.grad_fn.next_functions],
            tensor.grad,
        )

    return call


def graph_of(node):
    return None if node is None else (node.name(), [graph_of(each) for each, _ in node.next_functions])


FITTING = [
    name for name in ASSIGNED if " from " not in name and not name.startswith(("no", "False", "too", "a mask of"))
]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
@pytest.mark.parametrize("name", FITTING)
def test_recorded_assignment(name, shape):
    check_outcome(name, recorded(ASSIGNED[name][0], ones(shape)))


CHAINS = {
    "a selection, then a pick": lambda t: t[0, [1, 2]],
    "a pick, then slices": lambda t: t[[0], 0:2],
    "slices, then a pick": lambda t: t[0:1, [0]],
    "True": lambda t: t[True],
    "None, then a pick": lambda t: t[None, [0]],
    "a mask": lambda t: t[t > 3],
    "dots, then a pick": lambda t: t[..., [0]],
    "one full slice": lambda t: t[:],
    "full slices": lambda t: t[:, :],
    "slices as long as the tensor": lambda t: t[0:2, 0:5],
    "a slice from the end": lambda t: t[-2:, -3:],
    "dots": lambda t: t[...],
    "nothing": lambda t: t[()],
}


@pytest.mark.parametrize("name", CHAINS)
def test_graph_of_index(name):
    check_outcome(name, lambda e: graph_of(CHAINS[name](x(e, 2, 3).requires_grad_()).grad_fn))
