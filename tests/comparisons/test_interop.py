"""PyTorch's tensors come in, and minigrad's go out: what meets them computes, in the memory of the other library.

The lines of ``expressions/`` are run once more, with PyTorch's tensors handed to minigrad's functions: the results are
minigrad's, and those of minigrad's own tensors.
"""

import importlib
import operator
import re
import subprocess
import sys
from pathlib import Path

import einops
import numpy as np
import pytest
import torch

import minigrad
from comparisons.outcomes import check_outcome
from minigrad import nn
from minigrad.utils.data import DataLoader, Dataset, TensorDataset, default_convert

pytestmark = pytest.mark.filterwarnings("ignore")

LINES = [
    line
    for name in ("operations", "indexing_and_products", "creation", "operators")
    for line in (Path(__file__).parent / "expressions" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    # NumPy shows no bfloat16 of PyTorch's; its new_tensor reads a type of ours as if it were its own, and may crash.
    if "torch." in line and not re.search("requires_grad| is |bfloat16|new_tensor.*dtype", line)
]
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "eq", "ne", "lt", "le", "gt", "ge"]
OPERATORS += ["and_", "or_", "xor", "lshift", "rshift", "iadd", "isub", "imul", "contains"]


def operands(make, engine):
    return {
        "F": make([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]),
        "I": make([[1, -2, 3], [4, 5, -6]]),
        "B": make([True, False, True]),
        "U": make([1, 200, 255], dtype=engine.uint8),
        "R": make([1.0, 2.0, 3.0]),
        "T": make,
    }


def theirs(data, dtype=None, **options):
    """``torch.tensor``, which is given minigrad's types."""
    return torch.tensor(data, dtype=getattr(torch, dtype.name) if hasattr(dtype, "name") else dtype, **options)


def value_of(line, names):
    """What a line gives on minigrad; the type of the error where it gives none."""
    *steps, last = [each.strip() for each in line.split(";")]
    names = {"torch": minigrad, "np": np, "operator": operator, **names}
    minigrad.manual_seed(0)
    try:
        for step in steps:
            exec(step, names)
        return eval(last, names)
    except Exception as error:
        return type(error)
    finally:
        minigrad.set_default_dtype(minigrad.float32)


def check_same(label, ours, given):
    """The same tensors, in whichever structure, or equal values; the library's types are minigrad's."""
    if isinstance(ours, (tuple, list)):
        assert len(ours) == len(given), label
        for each, other in zip(ours, given):
            check_same(label, each, other)
    elif isinstance(ours, minigrad.Tensor):
        assert isinstance(given, minigrad.Tensor), f"{label}: {given!r}"
        assert (ours.dtype, ours.shape) == (given.dtype, given.shape), label
        np.testing.assert_array_equal(ours.detach().numpy(), given.detach().numpy(), err_msg=label)
    else:
        assert ours == given or ours != ours, label


@pytest.mark.usefixtures("unmeasured")
def test_functions_take_pytorch_s_tensors():
    """A line that PyTorch's own methods finish gives a tensor of its, and says nothing."""
    own = 0
    for line in LINES:
        ours = value_of(line, operands(minigrad.tensor, minigrad))
        given = value_of(line, operands(theirs, torch))
        if isinstance(ours, type) or isinstance(given, (torch.Tensor, torch.Size, torch.dtype)):
            own += 1
        elif not (line.startswith(("F.", "I.")) and isinstance(given, type)):  # PyTorch's method refuses a type of ours
            check_same(line, ours, given)
    assert len(LINES) - own > 700


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_them_on_either_side(name):
    """The result is minigrad's and has a history; in place the left one keeps its memory."""
    operation = getattr(operator, name)
    kind = "int64" if name in ("and_", "or_", "xor", "lshift", "rshift") else "float32"
    values = np.arange(1, 5).reshape(2, 2).astype(kind)
    expected = operation(minigrad.tensor(values), minigrad.tensor(values[0]))
    tracked = minigrad.tensor(values, requires_grad=kind == "float32" and not name.startswith("i"))
    check_same(name, expected, operation(tracked, torch.tensor(values[0])))
    if name != "contains":  # PyTorch looks at the type
        check_same(name, expected, operation(torch.tensor(values), minigrad.tensor(values[0])))
    if name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
        assert operation(torch.tensor(values), tracked).grad_fn is not None


def test_they_are_shown_in_their_own_memory():
    there = torch.arange(6.0).reshape(2, 3).t()
    for here in (minigrad.as_tensor(there), minigrad.from_dlpack(there), nn.Parameter(there)):
        assert here.data_ptr() == there.data_ptr() and here.stride() == there.stride()
    minigrad.relu_(there.neg_())
    minigrad.as_tensor(there)[0] = torch.tensor([5.0, 6.0])
    assert there.tolist() == [[5.0, 6.0], [0.0, 0.0], [0.0, 0.0]]
    here = minigrad.zeros(2, 3)
    for lent in (torch.from_dlpack(here), torch.as_tensor(here)):
        assert lent.data_ptr() == here.data_ptr()
    lent[0, 1] = minigrad.tensor(7.0)
    lent.add_(minigrad.ones(2, 3))
    assert here.tolist() == [[1.0, 8.0, 1.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, t: x[t[0, :2].long() * 0],
        lambda x, t: x[t > 0],
        lambda x, t: t[minigrad.tensor([1, 0])],
        lambda x, t: x.copy_(t),
        lambda x, t: operator.setitem(x, slice(None), t) or x,
        lambda x, t: minigrad.stack([t, x, t]),
        lambda x, t: minigrad.cat((t, t)),
        lambda x, t: minigrad.tensor(t),
        lambda x, t: minigrad.tensor([t[0, 0], t[1, 1]]),
        lambda x, t: minigrad.Tensor(t),
        lambda x, t: x.type_as(t.double()),
        lambda x, t: minigrad.nn.functional.one_hot(x.long().abs(), t.long().max() + 9),
        lambda x, t: t.to(minigrad.float64),
        lambda x, t: t.to(minigrad.device("cpu"), minigrad.int64),
        lambda x, t: t.matmul(x),
        lambda x, t: minigrad.zeros(t.shape, dtype=t.dtype, device=t.device) + x.to(torch.float64),
        lambda x, t: nn.functional.mse_loss(t, x),
        lambda x, t: nn.ReLU()(t),
        lambda x, t: nn.ReLU(inplace=True)(t.clone()),
        lambda x, t: nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (1, 9)), nn.Softmax(1))(t),
        lambda x, t: nn.Conv1d(3, 2, 2)(t),
        lambda x, t: nn.Linear(3, 2)(t),
        lambda x, t: nn.GRU(3, 2)(t),
        lambda x, t: nn.LSTM(3, 3)(x, (t[:1], t[1:2])),
        lambda x, t: nn.utils.rnn.pad_sequence([t, t[:2]]),
        lambda x, t: nn.utils.rnn.pack_padded_sequence(t, t[:, 0].long().abs() * 0 + 2).data,
        lambda x, t: nn.functional.linear(t, t, t[0]),
        lambda x, t: nn.functional.linear(x, t, t[0]),
        lambda x, t: nn.CrossEntropyLoss()(t, t[0].long().abs() * 0),
        lambda x, t: nn.utils.parameters_to_vector([t, x]),
    ],
)
def test_what_meets_one_gives_what_its_own_tensor_gives(call):
    values = [[1.0, -2.0, 3.0], [4.0, -5.0, 6.0], [7.0, 8.0, 9.0]]
    results = []
    for other in (minigrad.tensor(values), torch.tensor(values)):
        minigrad.manual_seed(0)
        results.append(call(minigrad.tensor(values), other))
    check_same("the call", *results)


class Samples(Dataset):
    """As a data set of torchvision's: pairs of one of PyTorch's tensors and a number."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.full((2, 3), float(index)), index


@pytest.mark.parametrize("workers", [0, 2])
def test_data_loading(workers):
    images, labels = next(iter(DataLoader(Samples(), batch_size=4, num_workers=workers)))
    check_same("labels", minigrad.tensor([0, 1, 2, 3]), labels)
    check_same("images", minigrad.arange(4.0)[:, None, None].expand(4, 2, 3), images)


def test_data_sets_and_modules_hold_minigrad_s():
    pairs = TensorDataset(torch.ones(4, 2), minigrad.arange(4))
    check_same("a sample", (minigrad.ones(2), minigrad.tensor(1)), pairs[1])
    check_same("converted", [minigrad.ones(2), 1], default_convert((torch.ones(2), 1)))
    layer = nn.Linear(2, 2)
    layer.register_buffer("mask", torch.ones(2))
    layer.weight.data = torch.full((2, 2), 3.0)
    layer.weight.grad = torch.ones(2, 2)
    layer.load_state_dict({**layer.state_dict(), "bias": torch.tensor([4.0, 5.0])})
    assert all(type(each) is minigrad.Tensor for each in (layer.mask, layer.weight.grad, pairs.tensors[0]))
    layer(minigrad.ones(2)).backward(torch.tensor([1.0, 2.0]))
    assert (layer.weight.grad.tolist(), layer.bias.tolist()) == ([[2.0, 2.0], [3.0, 3.0]], [4.0, 5.0])


def test_a_history_does_not_go_over_unnoticed():
    tracked, here = torch.ones(2, requires_grad=True), minigrad.ones(2)
    for call in (
        lambda: here + tracked,
        lambda: tracked * here,
        lambda: minigrad.exp(tracked),
        lambda: here.copy_(tracked),
    ):
        with pytest.raises(
            RuntimeError, match=r"a torch\.Tensor that requires grad cannot become a minigrad\.Tensor.*detach"
        ):
            call()
    with minigrad.no_grad():
        assert (here + tracked).tolist() == here.copy_(tracked).add(1.0).tolist() == [2.0, 2.0]
    for lend in (torch.from_dlpack, torch.relu):
        with pytest.raises(BufferError, match="require gradient, use tensor.detach"):
            lend(minigrad.ones(2, requires_grad=True))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: minigrad.ones(2) + torch.ones(2, dtype=torch.complex64),
            TypeError,
            r"a torch\.Tensor cannot.*complex64",
        ),
        (
            lambda: minigrad.exp(torch.ones(2, device="meta")),
            TypeError,
            r"a torch\.Tensor cannot become a minigrad\.Tensor",
        ),
        (lambda: minigrad.ones(2, dtype=torch.complex64), TypeError, r"minigrad\.dtype"),
        (lambda: minigrad.sum(minigrad.ones(2), dim=torch.ones(2)), TypeError, r"dim.*torch\.Tensor"),
        (lambda: minigrad.optim.SGD([torch.ones(2)], lr=1), TypeError, r"torch\.Tensor"),
        (lambda: minigrad.autograd.backward(torch.ones(())), TypeError, r"torch\.Tensor"),
    ],
)
def test_what_cannot_come_in_is_named_in_full(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_pytorch_s_functions_take_minigrad_s_and_give_its_own():
    """Libraries that are written for PyTorch call these."""
    x = minigrad.tensor([[1.0, -2.0], [3.0, 4.0]])
    for call in (
        lambda x: torch.stack([x, x]),
        lambda x: torch.nn.functional.mse_loss(x, torch.zeros(2, 2)),
        lambda x: torch.add(torch.ones(2, 2), other=x),
        lambda x: torch.zeros(2, dtype=x.dtype, device=x.device),
    ):
        assert torch.equal(call(x), call(torch.tensor(x.tolist())))


@pytest.mark.parametrize(
    "name", ["MulticlassAccuracy", "MulticlassF1Score", "MulticlassConfusionMatrix", "MulticlassAUROC"]
)
def test_torchmetrics(name):
    metric = getattr(pytest.importorskip("torchmetrics.classification"), name)(num_classes=3)
    scores, labels = np.random.default_rng(0).random((9, 3), np.float32), np.arange(9) % 3
    ours = metric(minigrad.tensor(scores), minigrad.tensor(labels))
    assert torch.equal(ours, metric(torch.tensor(scores), torch.tensor(labels)))


def test_dlpack_is_pytorch_s_protocol():
    check_outcome("device", lambda e: tuple(map(int, e.ones(2).__dlpack_device__())))
    check_outcome("an array", lambda e: np.from_dlpack(e.arange(6.0).reshape(2, 3).t()))
    check_outcome("in", lambda e: (e.from_dlpack(np.arange(3)), e.from_dlpack(e.ones(2, dtype=e.bool))))
    check_outcome("copied", lambda e: e.from_dlpack(np.ones(2), copy=True))
    check_outcome("no tensor", lambda e: e.from_dlpack([1, 2]))


# ------------------------------------------------------------------------------------------- einops, torchvision

EINOPS = {
    "rearrange": lambda x: einops.rearrange(x, "b c (h p) w -> b (h w) (p c)", p=2),
    "of a list": lambda x: einops.rearrange([x[0], x[1]], "b c h w -> c (b h) w"),
    "mean": lambda x: einops.reduce(x, "b c (h 2) (w 3) -> b c h w", "mean"),
    "max": lambda x: einops.reduce(x, "b c h w -> b h", "max"),
    "product": lambda x: einops.reduce(x, "b c h w -> c", "prod"),
    "repeat": lambda x: einops.repeat(x, "b c h w -> b (c 2) (h w) k", k=3),
    "einsum": lambda x: einops.einsum(x, x[0, 0], "b c h w, h k -> b c w k"),
    "pack": lambda x: einops.pack([x, x[:, 0, 0, 0], x[:, 0]], "b *")[0],
    "unpack": lambda x: einops.unpack(x.flatten(1), [[3, 4], [12, 3], [24]], "b *")[1],
    "numbers": lambda x: einops.reduce(x.long(), "b c h w -> b c", "sum"),
    "no such axis": lambda x: einops.rearrange(x, "a b -> b a"),
    "mean of integers": lambda x: einops.reduce(x.long(), "b c h w -> b", "mean"),
}


def from_both(call):
    """What a call gives for the same tensor of each engine, and its gradient; the type of the error where it fails."""
    results = []
    for engine in (minigrad, torch):
        engine.manual_seed(0)
        x = engine.rand(2, 3, 4, 6, requires_grad=True)
        try:
            result = call(x)
            if result.requires_grad:
                (result * result).sum().backward()
            assert isinstance(result, engine.Tensor)
            results.append([minigrad.as_tensor(each.detach()) for each in (result, x.grad) if each is not None])
        except (RuntimeError, IndexError) as error:
            results.append(type(error))
    return results


@pytest.mark.parametrize("name", EINOPS)
def test_einops_functions(name):
    ours, theirs = from_both(EINOPS[name])
    assert type(ours) is type(theirs) and len(ours) == len(theirs) if isinstance(ours, list) else ours is theirs
    for each, other in zip(ours, theirs) if isinstance(ours, list) else ():
        np.testing.assert_allclose(each.numpy(), other.numpy(), rtol=1e-6)


def test_einops_layers():
    """Names in the program change by one word; parameters, their numbers and their gradients are PyTorch's."""
    layers = {engine: importlib.import_module(f"einops.layers.{engine.__name__}") for engine in (minigrad, torch)}
    told = []

    def network(x):
        engine = minigrad if isinstance(x, minigrad.Tensor) else torch
        of = layers[engine]
        model = engine.nn.Sequential(
            of.Reduce("b c (h 2) w -> b c h w", "mean"),
            of.Rearrange("b c h w -> b (c h) w"),
            of.EinMix("b t (k i) -> b t (k o)", "k i o", "k o", k=2, i=3, o=2),
            of.EinMix("b t c -> b t o", "c o", c=4, o=2),
        )
        told.append((repr(model), list(model.state_dict())))
        return model(x)

    ours, theirs = from_both(network)
    assert told[0] == told[1]
    for each, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(each.numpy(), other.numpy(), rtol=1e-5)


NEIGHBOURS = """
import sys
{first}
import minigrad
{then}
x = minigrad.rand(2, 3, 4, 4, requires_grad=True)
assert einops.rearrange(x, "b c h w -> b (c h w)").grad_fn is not None
assert "torch" not in sys.modules or {first!r}
"""


@pytest.mark.parametrize("order", [("import einops", ""), ("", "import einops")], ids=["before", "after"])
def test_a_neighbour_is_told_whenever_it_is_imported(order):
    """And none is imported for it. In this process all are there, so it is another."""
    subprocess.run([sys.executable, "-c", NEIGHBOURS.format(first=order[0], then=order[1])], check=True)


def test_pictures_of_torchvision(tmp_path):
    utils, functional = (
        pytest.importorskip("torchvision.utils"),
        importlib.import_module("torchvision.transforms.functional"),
    )
    images = [engine.arange(2 * 3 * 16.0).reshape(2, 3, 4, 4) / 96 for engine in (minigrad, torch)]
    ours, theirs = [utils.make_grid(each, padding=1, normalize=True) for each in images]
    check_same("make_grid", minigrad.as_tensor(theirs), ours)
    assert type(theirs) is torch.Tensor
    check_same("of a list", minigrad.as_tensor(theirs), utils.make_grid(list(images[0]), padding=1, normalize=True))
    utils.save_image(images[0].requires_grad_(), tmp_path / "ours.png")
    utils.save_image(images[1], tmp_path / "theirs.png")
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
    assert functional.to_pil_image(ours).tobytes() == functional.to_pil_image(theirs).tobytes()


@pytest.mark.parametrize(
    "make",
    [
        lambda models: models.DenseNet(4, (1, 1), 8, num_classes=3),
        lambda models: models.ConvNeXt([models.convnext.CNBlockConfig(8, None, 2)], 0.5, num_classes=3),
        lambda models: models.VisionTransformer(32, 16, 1, 2, 8, 8, num_classes=3),
        lambda models: models.squeezenet1_1(num_classes=3),
    ],
)
def test_networks_of_torchvision(make):
    """PyTorch's weights come in; what they give, and its gradients."""
    pytest.importorskip("torchvision")
    networks = [make(importlib.import_module(name)) for name in ("minigrad.torchvision.models", "torchvision.models")]
    ours, theirs = [each.double().eval() for each in networks]
    assert isinstance(ours, nn.Module) and type(ours).__module__ == f"minigrad.{type(theirs).__module__}"
    draw = torch.Generator().manual_seed(0)
    moved = {key: each + 0.1 * torch.rand(each.shape, generator=draw) for key, each in theirs.state_dict().items()}
    theirs.load_state_dict(moved)
    ours.load_state_dict(theirs.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=draw, dtype=torch.float64)
    expected, given = theirs(images), ours(images)
    np.testing.assert_allclose(given.detach().numpy(), expected.detach().numpy(), rtol=1e-9)
    expected.square().sum().backward()
    given.square().sum().backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        close = {"rtol": 1e-9, "atol": 1e-9 * float(other.grad.norm())}
        np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), **close)


def test_what_torchvision_is_below_minigrad():
    """Its first random numbers, the rest of it by itself, and a last layer of minigrad's."""
    torchvision = pytest.importorskip("torchvision")
    ours = importlib.import_module("minigrad.torchvision")
    minigrad.manual_seed(3)
    torch.manual_seed(3)
    network = ours.models.get_model("squeezenet1_1", num_classes=2)
    first = network.state_dict()["features.0.weight"].numpy()
    assert np.array_equal(first, torchvision.models.squeezenet1_1(num_classes=2).state_dict()["features.0.weight"])
    network.classifier[1] = nn.Conv2d(512, 5, 1)
    assert network(minigrad.rand(1, 3, 32, 32)).shape == (1, 5)
    assert ours.datasets is torchvision.datasets and ours.ops.nms is torchvision.ops.nms
    assert ours.ops.StochasticDepth is not torchvision.ops.StochasticDepth
    assert ours.models.detection is torchvision.models.detection
    with pytest.raises(ModuleNotFoundError, match=r"import torchvision\.datasets as it stands"):
        importlib.import_module("minigrad.torchvision.datasets")


TRANSFORMS = {
    "of course code": lambda T, _: [T.Resize(20), T.CenterCrop(16), T.ToTensor(), T.Normalize([0.5] * 3, [0.2] * 3)],
    "of a picture": lambda T, _: [T.RandomResizedCrop(16), T.RandomHorizontalFlip(), T.RandAugment(), T.ToTensor()],
    "of a tensor": lambda T, _: [T.ToTensor(), T.RandomResizedCrop(16), T.RandomRotation(30), T.RandomErasing(p=1)],
    "of colours": lambda T, _: [
        T.ToTensor(),
        T.ColorJitter(0.3, 0.3, 0.3, 0.1),
        T.RandomAutocontrast(1),
        T.Grayscale(3),
    ],
    "of types": lambda T, engine: [T.PILToTensor(), T.RandomEqualize(1), T.ConvertImageDtype(engine.float64)],
    "there and back": lambda T, engine: [T.ToTensor(), T.ConvertImageDtype(engine.uint8), T.ToPILImage(), T.ToTensor()],
    "of a stack": lambda T, engine: [T.FiveCrop(16), T.Lambda(lambda five: engine.stack([*map(T.ToTensor(), five)]))],
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_of_torchvision_below_minigrad(name):
    """They give minigrad's tensors, of the same random numbers."""
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 45, 3), np.uint8))
    given = {}
    for engine, home in ((minigrad, "minigrad.torchvision.transforms"), (torch, "torchvision.transforms")):
        engine.manual_seed(3)
        transforms = importlib.import_module(home)
        given[engine] = transforms.Compose(TRANSFORMS[name](transforms, engine))(picture)
    assert type(given[minigrad]) is minigrad.Tensor
    assert str(given[minigrad].dtype) == str(given[torch].dtype).replace("torch", "minigrad")
    np.testing.assert_allclose(given[minigrad].numpy(), given[torch].numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda T, v2, engine: T.Compose([T.Resize(4), T.Normalize([0.5] * 3, [0.2] * 3)]),
        lambda T, v2, engine: T.ConvertImageDtype(engine.uint8),
        lambda T, v2, engine: v2.Compose([v2.Resize(4), v2.RandomHorizontalFlip(1.0), v2.ToDtype(engine.float64)]),
        lambda T, v2, engine: v2.Normalize([0.5] * 3, [0.2] * 3),
    ],
)
def test_transforms_of_torchvision_as_they_stand(make):
    """One that passed what it does not know, as the newer ones do, would silently change nothing."""
    transforms = pytest.importorskip("torchvision.transforms")
    from torchvision.transforms import v2

    theirs = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    ours = minigrad.tensor(theirs.numpy())
    given = make(transforms, v2, minigrad)(ours)
    expected = make(transforms, v2, torch)(theirs)
    assert type(given) is minigrad.Tensor and given.shape == expected.shape
    np.testing.assert_allclose(given.numpy(), expected.numpy(), rtol=0, atol=2e-6)
    assert str(given.dtype) == str(expected.dtype).replace("torch", "minigrad")
    assert type(make(transforms, v2, minigrad)(theirs)) is torch.Tensor


def test_what_has_a_history_is_transformed_with_it_or_refused():
    transforms = pytest.importorskip("torchvision.transforms")
    from minigrad.torchvision.transforms import v2

    x = minigrad.rand(3, 4, 4, requires_grad=True)
    transforms.Normalize([0.5] * 3, [0.2] * 3)(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 5.0, rtol=1e-6)
    with pytest.raises(BufferError, match="detach"):
        v2.Normalize([0.5] * 3, [0.2] * 3)(x)
