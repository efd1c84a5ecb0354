"""What is told to the user: errors that name the same cause as PyTorch's, and warnings where PyTorch warns.

The lines are as those in ``expressions/``; beside each stand words that both engines' messages hold.
"""

import warnings

import numpy as np
import pytest
import torch

import minigrad

X, INDEX = "torch.zeros(2, 5, 10)", "torch.zeros(1, 1, 1, dtype=torch.int64)"

ERRORS = {
    f"{X}[0, 5]": "index 5 is out of bounds for dimension 1 with size 5",
    f"{X}[None, 0, 5]": "index 5 is out of bounds for dimension 2 with size 5",
    f"{X}[..., 15]": "index 15 is out of bounds for dimension 1 with size 10",
    f"{X}[1:, 7]": "index 7 is out of bounds for dimension 1 with size 5",
    "torch.tensor(3.)[0]": "invalid index of a 0-dim tensor",
    "torch.tensor(3.)[:]": "slice() cannot be applied to a 0-dim tensor",
    "torch.tensor(3.)[0, 0]": "too many indices for tensor of dimension 0",
    "torch.ones(4)['0':'1']": "slice indices must be integers",
    f"torch.take_along_dim({X}, torch.zeros(1, 1, 1), 0)": "dtype of indices should be Long but got Float",
    f"torch.take_along_dim({X}, {INDEX}.expand(1, 3, 1), 0)": "must match the size of tensor b (3) at non-singleton",
    "torch.ones(2, 1, 4) + torch.ones(3, 2, 5)": "a (4) must match the size of tensor b (5) at non-singleton",
    "torch.randn(3, 3).index_add(0, torch.tensor([0]), torch.ones(1, 2))": "source tensor shape must match self",
    "torch.ones(2).masked_fill(torch.ones(2, dtype=torch.uint8), 1)": "only supports boolean masks",
    "torch.ones(2).masked_select(torch.ones(2, dtype=torch.uint8))": "expected BoolTensor for mask",
    f"{X}.movedim((0, 0), (0, 1))": "movedim: repeated dim in `source` ([0, 0])",
    f"{X}.movedim((0, 1), (1, 1))": "movedim: repeated dim in `destination` ([1, 1])",
    "torch.meshgrid(torch.ones(1), indexing='')": 'indexing must be one of "xy" or "ij"',
    f"torch.tensor_split({X}, torch.tensor(1.1), 0)": "to have dtype of long, but got Float",
    f"torch.tensor_split({X}, torch.tensor([[1]]), 0)": "but got a tensor with 2 dims",
    "torch.addcdiv(torch.tensor(1), torch.tensor(1), torch.tensor(1))": "addcdiv is no longer supported",
    "torch.tensor([1]).new_ones(2, requires_grad=True)": "Only Tensors of floating point and complex dtype can require",
    "nn.functional.cosine_similarity(torch.ones(2), torch.ones(2), 0, eps=-1.)": "eps must be non-negative",
    "nn.functional.softshrink(torch.ones(2), -1)": "lambda must be in range [0, 3.40282e+38] for input dtype Float",
    "nn.functional.softshrink(torch.ones(2, dtype=torch.half), 65507)": "range [0, 65504] for input dtype Half",
    "nn.functional.nll_loss(torch.ones(3), torch.tensor([1, 2, 0]))": "For 1D input, 1D target must have size 1",
    "nn.functional.pixel_shuffle(torch.ones(1, 16, 9, 3), 545460846592)": "upscale factor is too large",
    "nn.Fold((4, 5), (2, 2), dilation=8)(torch.ones(1, 12, 12))": "sliding blocks as (-4, -3), which is too small",
    "torch.ones(3).hsplit(2)": "torch.hsplit attempted to split along dimension 0",
    "torch.ones(3).dsplit(2)": "torch.dsplit requires a tensor with at least 3 dimension",
    "torch.column_stack(torch.ones(3))": "must be tuple of Tensors, not Tensor",
    "torch.tensor([True]) - torch.tensor([True])": "with two bool tensors is not supported",
    "torch.ones(1) - torch.tensor([True])": "with a bool tensor is not supported",
    "torch.polygamma(-1, torch.ones(2))": "polygamma(n, x) does not support negative n.",
    "torch.normal(torch.ones(12), torch.ones(2, 5))": "a (12) must match the size of tensor b (5) at non-singleton",
    "torch.quantile(torch.ones(3), torch.tensor([1.5]))": "quantile() q values must be in the range [0, 1]",
    "torch.fmod(torch.ones(2), 2, out=torch.ones(2).short())": "Float can't be cast to the desired output type Short",
    "torch.neg(torch.ones(2), out=torch.ones(2, dtype=torch.double))": "Found dtype Double but expected Float",
    "torch.any(torch.ones(2), 0, out=torch.ones(2))": "any only supports bool tensor for result, got: Float",
    "torch.isneginf(torch.ones(2), out=torch.ones(2))": "isneginf does not support non-boolean outputs.",
    "torch.mode(torch.ones(2), out=(torch.ones(2), torch.ones(2)))": "for indices",
    "torch.empty(0).resize_([2, 4, 2**29, 2**29])": "Storage size calculation overflowed with sizes=[2, 4, 536870912, ",
    "torch.histogram(torch.ones(3), torch.ones(2).double())": "input tensor and bins tensors should have the same",
    "torch.histogram(torch.ones(3), torch.tensor(1.))": "bins tensor should have one dimension, but got 0",
    "torch.histogram(torch.ones(3), 2, weight=torch.ones(3).double())": "weight tensor should have the same dtype",
    "nn.Unflatten(1, (2, 5, 5.))": "found element of type float at pos 2",
    "nn.MultiheadAttention(4, 1)(torch.ones(4, 4, 4), torch.ones(4, 4), torch.ones(4, 4, 4))": "but found 2-D and 3-D",
    "torch.empty(2, 4, 2**29, 2**29)": "Storage size calculation overflowed with sizes=[2, 4, 536870912, 536870912]",
    "torch.tensor(type('A', (), {'__len__': lambda x: 3, '__getitem__': lambda x, y: 1 / 0})())": "determine the shape",
    "nn.Linear(1, 1).to('cpu', True)": "to() received an invalid combination of arguments - got (str, bool)",
    "nn.Linear(1, 1).to([])": "to() received an invalid combination of arguments - got (list)",
    "nn.Linear(1, 1).to(torch.float, torch.float)": "to() received an invalid combination of arguments",
    "nn.Linear(1, 1).to('cpu', torch.ones(1), True)": "to() received an invalid combination of arguments",
    "torch.ones(2).__delattr__('data')": "Deleting tensor data is not allowed",
    "torch.ones(2).__delattr__('requires_grad')": "requires_grad must be a bool",
    "torch.isclose(torch.ones(2), torch.ones(2), torch.tensor(1., requires_grad=True))": "must be float, not Tensor",
    "torch.baddbmm(torch.ones(1, 1, 1).int(), *[torch.ones(1, 1, 1)] * 2)": "Input dtypes must be the same",
    "torch.Size([1]) + type('S', (list,), {})()": "can only concatenate tuple (not S) to ",
    "torch.einsum('... ...', torch.ones(2))": "found '.' for operand 0 for which an ellipsis was already found",
    "torch.einsum('a->..', torch.ones(2))": "found '.' for output that is not part of any ellipsis (...)",
    "torch.einsum('a->1', torch.ones(2))": "invalid subscript given at index 3 in the equation string",
    "torch.einsum('ai...', torch.ones(2))": "(2) is more than the number of dimensions (1) for operand 0",
    "torch.einsum('aa', torch.ones(2, 3))": "repeated for operand 0 but the sizes don't match, 3 != 2",
    "torch.einsum('a, ba', torch.ones(2), torch.ones(2, 3))": "subscript a has size 3 for operand 1 which does not",
    "nn.Conv1d(1, 1, 1, bias=False).double()(torch.ones(1, 1, 1).long())": "expected scalar type Long but found Double",
    "nn.Fold(16, 7318349394477056)(torch.ones(3, 7))": "product of kernel_width and kernel_height overflowed",
    "nn.functional.interpolate(torch.ones(1, 1, 8), size=(3.,))": "expected size to be one of int or Tuple[int]",
    "nn.MultiheadAttention(4, 2)(*[torch.ones(4, 4)] * 3, attn_mask=torch.ones(4))": "but found 1-D tensor instead",
    "nn.MultiheadAttention(4, 2)(*[torch.ones(4, 4)] * 3, attn_mask=torch.ones(5, 4, 4))": "to be (2, 4, 4) but got",
    "torch.linalg.inv(torch.tensor([[1., 2.], [2., 4.]]))": "linalg.inv: The diagonal element 2 is zero, the inversion",
    "torch.linalg.inv(torch.stack([torch.eye(2), torch.ones(2, 2)]))": "(Batch element 1): The diagonal element 2 is",
    "torch.linalg.inv(torch.tensor([[0., 0., 1.], [1., 0., 2.], [3., 0., 4.]]))": "The diagonal element 2 is zero",
    "torch.linalg.inv(torch.zeros(3, 3))": "The diagonal element 1 is zero",
    "torch.linalg.cross(torch.ones(3, 2), torch.ones(3, 3))": "dimension -1 must have length 3. Got 2 and 3",
    "torch.linalg.solve(torch.zeros(2, 2, 2), torch.ones(2, 2, 1))": "(Batch element 0): The solver failed because the",
    "nn.Module(1)": ".__init__() ",
    "nn.Module(bias=1)": "keyword argument 'bias'",
    "nn.Module().register_buffer(1, None)": "buffer name should be a string. Got int",
    "nn.Module().register_parameter('a.b', None)": 'parameter name can\'t contain "."',
    "nn.Module().add_module('', None)": "module name can't be empty string",
}


def engine(name):
    return {"torch": name, "np": np, "nn": name.nn}


@pytest.mark.parametrize("line", ERRORS)
def test_errors_name_the_cause(line):
    kinds = []
    for each in (torch, minigrad):
        with pytest.raises(Exception) as raised, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(line, engine(each))
        assert ERRORS[line] in raised.value.args[0], each.__name__
        kinds.append(RuntimeError if raised.type is each.linalg.LinAlgError else raised.type)
    assert issubclass(kinds[1], kinds[0])


WARNINGS = {
    "torch.where(torch.ones(2, dtype=torch.uint8), 1., 2.)": "where received a uint8 condition tensor",
    "torch.ones(2)[torch.ones(2, dtype=torch.uint8)]": "uint8 is now deprecated",
    "torch.meshgrid(torch.ones(2), torch.ones(3))": "it will be required to pass the indexing argument",
    "float(torch.ones(1, requires_grad=True))": "Converting a tensor with requires_grad=True to a scalar",
    "torch.zeros(2).random_(2**25)": "to - 1 is out of bounds",
    "nn.utils.clip_grad_norm_((each for each in ()), 1.0)": "`parameters` is an empty generator",
}


@pytest.mark.parametrize("line", WARNINGS)
def test_warnings_where_pytorch_warns(line):
    torch.set_warn_always(True)
    try:
        for each in (torch, minigrad):
            with pytest.warns(UserWarning) as given:
                eval(line, engine(each))
            assert {WARNINGS[line] in str(warning.message) for warning in given} == {True}, each.__name__
            points_to = {warning.filename for warning in given}
            assert each is torch or "random_" in line or points_to == {"<string>"}, "not to the caller's line"
    finally:
        torch.set_warn_always(False)
