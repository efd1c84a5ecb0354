"""Tensors' types under their older names, and what they make of sizes, sequences, arrays and tensors."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

import minigrad
from comparisons.outcomes import check_program

NAMES = ["HalfTensor", "FloatTensor", "DoubleTensor", "ByteTensor", "CharTensor", "ShortTensor", "IntTensor"]
NAMES += ["LongTensor", "BoolTensor"]


def of_type(e, name):
    """What a type makes, says of itself, and knows."""
    kind = getattr(e, name)
    x = kind([[1, 0], [1, 1]])
    sizes = [kind(2, 3), kind(2), kind(e.Size([3, 1])), kind(0, 2), kind(size=(2,)), kind(np.int64(3)), kind()]
    found = [x, kind(np.array([0, 1, 1])), kind((True, False)), kind(range(2)), kind([]), kind(data=[1], device="cpu")]
    found += [(each.shape, each.dtype) for each in sizes]  # what the memory held may be anything
    found += [
        str(kind),
        kind.__name__,
        kind.dtype,
        kind.is_cuda,
        copy.deepcopy(kind) is pickle.loads(pickle.dumps(kind)),
    ]
    found += [x.type(), type(x) is e.Tensor, kind(x).data_ptr() == x.data_ptr()]
    found += [isinstance(x, getattr(e, other)) for other in NAMES]
    ones = e.ones(2, requires_grad=True)
    found += [ones.type(kind), ones.type(f"torch.{name}"), ones.type(dtype=kind).dtype, ones.type_as(x)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_types(name):
    check_program(name, lambda e: of_type(e, name))


@pytest.mark.parametrize("name", NAMES)
def test_pytorchs_tensors_take_them(name):
    """A program gives minigrad's types to what a data set of torchvision's holds."""
    assert torch.ones(2).type(getattr(minigrad, name)).dtype is getattr(torch, name).dtype


CONSTRUCTED = {
    "sequences": lambda e: e.Tensor([[1, 2], [3, 4.5]]),
    "ragged": lambda e: e.Tensor([[1], [2, 3]]),
    "tensors in a list": lambda e: e.FloatTensor([e.tensor(1.0), e.tensor(2)]),
    "sizes as tensors": lambda e: e.FloatTensor(e.tensor(2), e.tensor(3)).shape,
    "truncated": lambda e: e.LongTensor([1.7, -1.7]),
    "truncated array": lambda e: e.LongTensor(np.array([1.5])),
    "overflow": lambda e: e.ByteTensor([300]),
    "negative byte": lambda e: e.ByteTensor([-1]),
    "NaN": lambda e: e.LongTensor([float("nan")]),
    "half truths": lambda e: e.BoolTensor([0.5, 0.0]),
    "number": lambda e: e.FloatTensor(2.5),
    "number of NumPy's": lambda e: e.Tensor(np.float32(3)),
    "truth": lambda e: e.Tensor(True),
    "nothing": lambda e: e.FloatTensor(None),
    "text": lambda e: e.FloatTensor("12"),
    "texts": lambda e: e.FloatTensor(["a"]),
    "dictionary": lambda e: e.Tensor({}),
    "negative size": lambda e: e.FloatTensor(-1),
    "size of text": lambda e: e.Tensor(3, "a"),
    "another device": lambda e: e.FloatTensor([1.0], device="cuda"),
    "unknown argument": lambda e: e.FloatTensor([1.0], requires_grad=True),
    "unknown dtype": lambda e: e.Tensor([1.0], dtype=e.float64),
    "tensor of another type": lambda e: e.FloatTensor(e.ones(2, dtype=e.float64)),
    "Tensor of another type": lambda e: e.Tensor(e.ones(2, dtype=e.int16)),
    "Tensor of a number": lambda e: e.Tensor(e.tensor(3)),
    "negative stride": lambda e: e.FloatTensor(np.ones(2, dtype=np.float32)[::-1]),
    "array without dimensions": lambda e: e.FloatTensor(np.array(3.0)),
    "of a graph": lambda e: of_a_graph(e),
    "one memory": lambda e: in_one_memory(e),
    "default type": lambda e: by_default(e, e.DoubleTensor),
    "default type, by name": lambda e: by_default(e, "torch.HalfTensor"),
    "default type of integers": lambda e: by_default(e, e.LongTensor),
    "default type, a dtype": lambda e: by_default(e, e.float64),
    "type of nothing": lambda e: e.ones(1).type("double"),
    "type without a package": lambda e: e.ones(1).type("DoubleTensor"),
    "type of Python": lambda e: e.ones(1).type(float),
    "no type": lambda e: e.ones(1).type(3),
    "Tensor is the default type": lambda e: [e.tensor([1]).type(e.Tensor), e.tensor([1]).type("torch.Tensor")],
    "the same": lambda e: (x := e.ones(1)) is x.type(e.FloatTensor) is x.type_as(x),
    "type_as a number": lambda e: e.ones(1).type_as(3),
    "differentiated": lambda e: differentiated(e),
    "module": lambda e: [each.dtype for each in e.nn.BatchNorm1d(2).type("torch.DoubleTensor").state_dict().values()],
    "module, by type": lambda e: e.nn.Linear(1, 1).type(e.DoubleTensor).weight.dtype,
    "GPU's": lambda e: (str(e.cuda.FloatTensor), e.cuda.FloatTensor.__name__),
    "GPU's, made": lambda e: made_on_a_gpu(e),
    "GPU's, asked": lambda e: isinstance(e.ones(1), (e.cuda.FloatTensor, e.cuda.LongTensor)),
    "GPU's, converted": lambda e: e.ones(1).type(e.cuda.FloatTensor),
    "GPU's, by name": lambda e: e.ones(1).type("torch.cuda.DoubleTensor"),
    "new": lambda e: [e.ones(1).new(2, 3).shape, e.ones(1).double().new([1, 2]), e.ones(1).new(np.ones(2))],
    "new, empty": lambda e: e.tensor([1]).new(),
    "new of another type": lambda e: e.ones(1).new(e.tensor([1])),
    "new number": lambda e: e.ones(1).new(2.5),
}


def made_on_a_gpu(e):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return e.cuda.FloatTensor(2)


def of_a_graph(e):
    """A tensor of a tensor keeps its history."""
    x = e.ones(2, requires_grad=True)
    y = e.Tensor(x * 2)
    y.sum().backward()
    return y, y.grad_fn.name(), x.grad


def in_one_memory(e):
    """Arrays and tensors of the type share theirs; sequences and other types are copied."""
    array, other, values = np.ones(2, dtype=np.float32), np.ones(2), e.ones(2)
    made = [e.FloatTensor(array), e.Tensor(array), e.FloatTensor(other), e.DoubleTensor(other), e.Tensor(values)]
    array[0], other[0], values[0] = 5, 6, 7
    return made


def by_default(e, kind):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns the first time
            e.set_default_tensor_type(kind)
        return e.ones(1), e.Tensor([1]), e.tensor(0.5), e.get_default_dtype()
    finally:
        e.set_default_dtype(e.float32)


def differentiated(e):
    x = e.ones(2, requires_grad=True)
    y = x.type("torch.DoubleTensor")
    (first,) = e.autograd.grad((y**3).sum(), x, create_graph=True)
    first.sum().backward()
    return y, y.grad_fn.name(), first, x.grad


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_constructed(name):
    if "GPU" in name and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    check_program(name, CONSTRUCTED[name])


def test_minigrads_own_names():
    assert minigrad.ones(1).type("minigrad.LongTensor").dtype is minigrad.int64
    assert minigrad.ones(1, dtype=minigrad.int8).type("minigrad.Tensor").dtype is minigrad.float32
    with pytest.raises(RuntimeError, match="CPU only"):
        minigrad.set_default_tensor_type("minigrad.cuda.FloatTensor")
