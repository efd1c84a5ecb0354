"""``minigrad.save`` and ``load`` against ``torch.save`` and ``torch.load``, and against hostile files."""

from __future__ import annotations

import _codecs
import collections
import copyreg
import functools
import io
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
import time
import types
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.lib.array_utils import byte_bounds

import minigrad
from minigrad import Size, Tensor, device, dtypes, from_numpy
from minigrad.graph.function import wrap
from minigrad.nn.parameter import Parameter
from minigrad.saving import serialization
from minigrad.saving.serialization import load, save
from minigrad.saving.unpickler import INSTRUCTIONS
from tests.thorough import THOROUGH

SECONDS_EACH = 5.0  # of computing, for any one file: several times what the slowest takes
DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]


def saved(obj: object) -> io.BytesIO:
    buffer = io.BytesIO()
    save(obj, buffer)
    buffer.seek(0)
    return buffer


def saved_by_torch(obj: object, **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    torch.save(obj, buffer, **options)
    buffer.seek(0)
    return buffer


def to_torch(obj: object) -> Any:
    return torch.load(saved(obj), weights_only=True)


def from_torch(obj: object) -> Any:
    return load(saved_by_torch(obj))


def assert_same(ours: Any, theirs: Any, place: str = "obj") -> None:
    """Assert that a minigrad object and a PyTorch object are the same in type, shape and every value."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, Tensor), place
        assert isinstance(ours, Parameter) == isinstance(theirs, torch.nn.Parameter), place
        assert ours.requires_grad == theirs.requires_grad, place
        expected = theirs.detach().numpy()
        assert ours.array.dtype == expected.dtype, place
        assert ours.array.shape == expected.shape, place
        np.testing.assert_array_equal(ours.array, expected, err_msg=place)
    elif isinstance(theirs, torch.dtype):
        assert f"torch.{ours.name}" == str(theirs), place
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs), place
        assert list(ours) == list(theirs), place
        for key in theirs:
            assert_same(ours[key], theirs[key], f"{place}[{key!r}]")
        assert_same(getattr(ours, "_metadata", None), getattr(theirs, "_metadata", None), f"{place}._metadata")
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is (Size if isinstance(theirs, torch.Size) else type(theirs)), place
        assert len(ours) == len(theirs), place
        for index, (our_item, their_item) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(our_item, their_item, f"{place}[{index}]")
    elif isinstance(theirs, set):
        assert type(ours) is type(theirs), place
        assert ours == theirs, place  # in whatever order each of them shows its elements
    else:
        assert type(ours) is type(theirs), place
        assert repr(ours) == repr(theirs), place


class Model(torch.nn.Module):
    """Every kind of entry that a state_dict has: weights, buffers, counters, a frozen and a shared one."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2)
        )
        self.hidden = torch.nn.Linear(16, 16)
        self.tied = torch.nn.Linear(16, 16, bias=False)
        self.tied.weight = self.hidden.weight
        self.head = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(16, 3))
        self.head.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.tied(self.hidden(self.features(x).flatten(1))))


OPTIMIZERS = {
    "SGD": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": functools.partial(torch.optim.Adam, lr=1e-3, amsgrad=True),
    "AdamW": functools.partial(torch.optim.AdamW, lr=1e-3),
    "RMSprop": functools.partial(torch.optim.RMSprop, lr=1e-3, momentum=0.5),
    "Adagrad": torch.optim.Adagrad,
}


def trained(optimizer_name: str = "Adam") -> dict[str, Any]:
    """A checkpoint as a training loop writes it."""
    torch.manual_seed(0)
    model = Model()
    optimizer = OPTIMIZERS[optimizer_name]([each for each in model.parameters() if each.requires_grad])
    schedulers = [
        torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 5, 5]),
        torch.optim.lr_scheduler.StepLR(optimizer, 2),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
    ]
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(5, 1, 8, 8)).square().sum().backward()
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedulers": [scheduler.state_dict() for scheduler in schedulers],
        "epoch": 2,
        "best": float("inf"),
        "random": torch.get_rng_state(),
    }


# Both directions


@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
def test_training_checkpoint_of_torch_goes_both_ways(optimizer_name: str) -> None:
    checkpoint = trained(optimizer_name)
    ours = from_torch(checkpoint)
    assert_same(ours, checkpoint)
    returned = to_torch(ours)
    assert_same(ours, returned)

    model, other = Model(), Model()
    model.load_state_dict(checkpoint["model"])
    other.load_state_dict(returned["model"])
    x = torch.randn(5, 1, 8, 8)
    assert torch.equal(model.eval()(x), other.eval()(x))
    optimizer = OPTIMIZERS[optimizer_name]([each for each in other.parameters() if each.requires_grad])
    optimizer.load_state_dict(returned["optimizer"])


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3), (1, 2, 1, 3)])
def test_every_dtype_and_shape_goes_both_ways(name: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (*shape, 8), dtype=np.uint8)
    numpy_dtype = getattr(dtypes, name).numpy
    array = (values % 2).astype(bool)[..., 0] if name == "bool" else values.view(numpy_dtype)[..., 0]
    array = np.array(array)
    theirs = torch.from_numpy(array.copy())
    assert_same(from_numpy(array), to_torch(from_numpy(array)))
    assert_same(from_torch(theirs), theirs)
    assert_same(load(saved(from_numpy(array))), theirs)
    assert to_torch(getattr(dtypes, name)) == theirs.dtype
    assert from_torch(theirs.dtype) is getattr(dtypes, name)


def test_special_floats_keep_their_bits() -> None:
    bits = np.array([0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00001, 1, 0x007FFFFF], np.uint32)
    floats = bits.view(np.float32)
    assert np.array_equal(to_torch(from_numpy(floats.copy())).numpy().view(np.uint32), bits)
    assert np.array_equal(from_torch(torch.from_numpy(floats.copy())).array.view(np.uint32), bits)


PLAIN_VALUES = [
    None, True, False, 0, -1, 255, 256, 65536, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 2**63, -(2**200),
    0.0, -0.0, 0.1, float("nan"), float("-inf"), "", "é\n😀", "x" * 300, b"", b"\x00\xffab",
    (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[], [()]], {}, {1: {2: {}}},
    {None: 1, True: 2, 2.5: 3, b"k": 4}, {(): 0, (1, 2): "north", ("a", None): 2}, {(1, 2), ("x",)},
    Counter({(1, -1): 2, (1, -2): 1}),
    OrderedDict(), OrderedDict(b=1, a=2), Counter("abca"), set(), {1, 2, 3}, [{"a": ({"b": [1, (2,)]},)}],
]  # fmt: skip


def written(value: object) -> str:
    """A test's name for a value, the same in every process: each has its own order for a set of strings."""
    if isinstance(value, set) and value:
        return "{" + ", ".join(sorted(map(ascii, value))) + "}"
    return ascii(value)[:30]


@pytest.mark.parametrize("value", PLAIN_VALUES, ids=written)
def test_plain_values_go_both_ways(value: object) -> None:
    assert_same(to_torch(value), value)
    assert_same(load(saved(value)), value)
    assert_same(from_torch(value), value)


def test_size_becomes_size() -> None:
    assert_same(from_torch(torch.Size([2, 3])), torch.Size([2, 3]))
    assert_same(from_torch(torch.Size([])), torch.Size([]))
    assert to_torch(Size((2, 3))) == torch.Size([2, 3])
    assert type(to_torch(Size((2, 3)))) is torch.Size


@pytest.mark.parametrize("place", [("cpu",), ("cpu", 0), ("cuda",), ("cuda", 1)])
def test_devices(place: Any) -> None:
    ours, theirs = device(*place), torch.device(*place)
    assert to_torch(ours) == theirs
    assert from_torch({"device": theirs}) == {"device": ours}


def test_a_state_dict_tells_the_versions_of_its_modules() -> None:
    def names(engine: Any) -> Any:
        part = engine.nn.Linear(2, 2)
        return engine.nn.Sequential(part, engine.nn.Sequential(part, engine.nn.ReLU()))

    theirs = names(torch).state_dict()
    assert to_torch(names(minigrad).state_dict())._metadata == theirs._metadata
    assert from_torch(theirs)._metadata == names(minigrad).state_dict()._metadata


@pytest.mark.parametrize("requires_grad", [True, False])
def test_requires_grad_and_parameters(requires_grad: bool) -> None:
    theirs = {
        "tensor": torch.ones(2, requires_grad=requires_grad),
        "parameter": torch.nn.Parameter(torch.ones(2), requires_grad),
        "integers": torch.nn.Parameter(torch.ones(2, dtype=torch.int64), False),
    }
    ours = {
        "tensor": from_numpy(np.ones(2, np.float32)).requires_grad_(requires_grad),
        "parameter": Parameter(from_numpy(np.ones(2, np.float32)), requires_grad),
        "integers": Parameter(from_numpy(np.ones(2, np.int64)), False),
    }
    assert_same(from_torch(theirs), theirs)
    assert_same(ours, to_torch(ours))
    assert_same(load(saved(ours)), theirs)


def test_one_object_in_two_places_is_one_object_when_loaded() -> None:
    tensor = from_numpy(np.arange(3))
    shared = ["x"]
    result = load(saved({"a": tensor, "b": tensor, "c": shared, "d": (shared, tensor)}))
    assert result["a"] is result["b"] is result["d"][1]
    assert result["c"] is result["d"][0]
    result = to_torch({"a": tensor, "b": tensor})
    assert result["a"] is result["b"]
    many = [from_numpy(np.array(index)) for index in range(400)] * 2  # memo numbers past one byte
    result = load(saved(many))
    assert [int(each.array) for each in result] == [*range(400)] * 2
    assert result[399] is result[799]
    theirs = [torch.tensor(index) for index in range(400)]
    assert_same(from_torch(theirs), theirs)


def test_a_list_that_contains_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    result = load(saved(loop))
    assert result[0] is result


# Shared memory


def test_views_share_one_storage() -> None:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays = {
        "base": base,
        "row": base[1],
        "columns": base[:, :, 1::2],
        "transposed": base.transpose(2, 0, 1),
        "element": base[1, 2, 3:].reshape(()),
        "flat": base.reshape(-1)[5:],
    }
    buffer = saved({name: from_numpy(array) for name, array in arrays.items()})
    records = [name for name in zipfile.ZipFile(buffer).namelist() if "/data/" in name]
    assert records == ["archive/data/0"]
    ours = {name: tensor.array for name, tensor in load(buffer).items()}
    buffer.seek(0)
    theirs = {name: tensor.numpy() for name, tensor in torch.load(buffer, weights_only=True).items()}
    for loaded in (ours, theirs):
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array, err_msg=name)
        loaded["base"][0, 0, 0] = -1.0
        loaded["row"][2, 3] = -2.0
        assert loaded["transposed"][0, 0, 0] == -1.0
        assert loaded["element"] == loaded["flat"][18] == loaded["columns"][1, 2, 1] == -2.0


def test_views_of_torch_share_one_storage_here() -> None:
    base = torch.arange(24.0).reshape(2, 3, 4)
    theirs = {
        "base": base,
        "slice": base[1, ::2].T,
        "expanded": base[0, 0].expand(5, 4),
        "last": base[1, 2, 3],
    }
    ours = from_torch(theirs)
    assert_same(ours, theirs)
    ours["base"].array[0, 0] = ours["base"].array[1, 2] = 9.0
    base[0, 0] = base[1, 2] = 9.0
    assert_same(ours, theirs)
    assert_same(load(saved({**ours, "expanded": None})), {**theirs, "expanded": None})  # shared through both steps


def test_arrays_that_pytorch_has_no_strides_for_are_copied() -> None:
    record = np.zeros(3, dtype=[("a", np.int8), ("b", np.float32)])
    record["b"] = [1, 2, 3]
    arrays = {
        "backward": np.arange(5)[::-1],
        "field": record["b"],
        "with gaps": np.ndarray(3, np.float32, bytearray(range(24)), strides=8),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "reinterpreted": np.arange(4, dtype=np.float64).view(np.int64)[1:],
        "of bytes": np.frombuffer(bytearray(b"abcdefgh"), np.int32)[1:],
    }
    ours = {name: wrap(array) for name, array in arrays.items()}  # from_numpy refuses some of them
    for name, theirs in to_torch(ours).items():
        np.testing.assert_array_equal(theirs.numpy(), arrays[name], err_msg=name)
    for name, loaded in load(saved(ours)).items():
        np.testing.assert_array_equal(loaded.array, arrays[name], err_msg=name)


def test_loaded_tensors_can_be_written_to() -> None:
    tensor = from_torch(torch.zeros(3))
    tensor.array[1] = 5
    assert tensor.array.tolist() == [0, 5, 0]


# Files


@pytest.mark.parametrize("as_path", [str, Path])
def test_paths(tmp_path: Path, as_path: Any) -> None:
    path = tmp_path / "model.pt"
    tensor = from_numpy(np.arange(3))
    save({"a": tensor}, as_path(path))
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    assert torch.load(path, weights_only=True, mmap=True)["a"].tolist() == [0, 1, 2]
    torch.save({"a": torch.arange(4)}, path)  # names its folder after the file
    assert load(as_path(path))["a"].array.tolist() == [0, 1, 2, 3]
    assert os.listdir(tmp_path) == ["model.pt"]


def test_file_objects(tmp_path: Path) -> None:
    with open(tmp_path / "a", "wb") as file:
        save([1], file)
    with open(tmp_path / "a", "rb") as file:
        assert load(file) == [1]
        assert load(file) == [1]

    class WriteOnly:
        def __init__(self) -> None:
            self.content = b""

        def write(self, content: Any) -> int:
            self.content += bytes(content)
            return len(content)

        def flush(self) -> None:
            pass

    stream: Any = WriteOnly()
    save([from_numpy(np.arange(3))], stream)
    assert torch.load(io.BytesIO(stream.content), weights_only=True)[0].tolist() == [0, 1, 2]


def test_storages_are_aligned_and_found_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    arrays = [np.arange(length, dtype=np.uint8) for length in (1, 0, 63, 64, 65, 1000)]
    save([from_numpy(array) for array in arrays], path)
    content = path.read_bytes()
    for storage, array in zip(torch.load(path, map_location="meta", weights_only=True), arrays, strict=True):
        offset = storage.untyped_storage()._checkpoint_offset
        assert offset % 64 == 0
        assert content[offset : offset + array.size] == array.tobytes()


def test_a_saved_file_is_the_same_every_time() -> None:
    obj = {"a": from_numpy(np.arange(5.0)), "b": [1, "x"]}
    first = saved(obj).getvalue()
    assert saved(obj).getvalue() == first
    assert saved(load(io.BytesIO(first))).getvalue() == first


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    target, link = tmp_path / "target", tmp_path / "link"
    save(1, target)
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)  # what open() gives
    target.chmod(0o640)
    link.symlink_to(target)
    save(2, link)
    assert link.is_symlink() and load(target) == 2
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    save(3, os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_without_torch(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.pt", tmp_path / "ours.pt"
    checkpoint = trained()
    torch.save(checkpoint, theirs)
    program = f"""
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise AssertionError("torch was imported")
sys.meta_path.insert(0, NoTorch())
from minigrad.saving.serialization import load, save
save(load({str(theirs)!r}), {str(ours)!r})
assert "torch" not in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=tmp_path)
    assert_same(load(ours), torch.load(ours, weights_only=True))
    assert_same(load(ours), checkpoint)


# What cannot be saved, and failures while saving


class SubTuple(tuple):
    __slots__ = ()


CANNOT_SAVE = [
    (lambda: {"model": [0, object()]}, r"obj\['model'\]\[1\].*builtins\.object"),
    (lambda: {"a": np.zeros(3)}, r"obj\['a'\].*numpy\.ndarray"),
    (lambda: [np.float64(1)], r"obj\[0\].*numpy\.float64"),
    (lambda: {"f": len}, r"obj\['f'\].*builtin_function"),
    (lambda: [(1, SubTuple())], r"obj\[0\]\[1\].*SubTuple"),
    (lambda: collections.defaultdict(list), "defaultdict"),
    (lambda: {"a": 1j}, r"obj\['a'\].*complex"),
    (lambda: {"x": {((1, 2),): 3}}, r"obj\['x'\].*\(\(1, 2\),\)"),
    (lambda: {(1,) * 17}, "tuple of 16"),
    (lambda: {(1, 2**64): 1}, "64-bit"),
    (lambda: {2**64: 1}, "64-bit"),
    (lambda: {frozenset([1])}, "frozenset"),
    (lambda: torch.zeros(2), r"obj: .*torch\.Tensor"),
]


@pytest.mark.parametrize(("make", "message"), CANNOT_SAVE, ids=[message for _, message in CANNOT_SAVE])
def test_other_objects_are_refused_with_their_place(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=message):
        save(make(), path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["model.pt"]


def test_attributes_other_than_metadata_are_refused() -> None:
    state: Any = OrderedDict(a=1)
    state.extra = 1
    with pytest.raises(TypeError, match="_metadata"):
        save(state, io.BytesIO())


def test_too_deep_and_too_large() -> None:
    deep: object = 1
    for _ in range(150):
        deep = [deep]
    result = load(saved(deep))
    for _ in range(150):
        result = result[0]
    assert result == 1
    for _ in range(100_000):
        deep = (deep,)
    buffer = io.BytesIO()
    with pytest.raises(pickle.PicklingError, match="nested deeper than 200"):
        save(deep, buffer)
    with pytest.raises(pickle.PicklingError, match=r"obj\[0\].*bytes"):
        save([1 << 3000], buffer)
    assert buffer.getvalue() == b""


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["OSError", "interrupt"])
@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_failure_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException, existing: bool
) -> None:
    path = tmp_path / "model.pt"
    if existing:
        save({"a": 1}, path)
    before = {each: (tmp_path / each).read_bytes() for each in os.listdir(tmp_path)}
    calls = []

    def fail(*arguments: Any, **options: Any) -> None:
        calls.append(arguments)
        raise error

    def fail_at_storage(archive: Any, name: str, content: Any) -> None:
        if name.startswith("data/"):
            fail()
        write_record(archive, name, content)

    write_record = serialization._write_record
    if failing == "write":
        monkeypatch.setattr(serialization, "_write_record", fail_at_storage)
    else:
        monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        save({"a": from_numpy(np.arange(3))}, path)
    assert len(calls) == 1
    assert {each: (tmp_path / each).read_bytes() for each in os.listdir(tmp_path)} == before


def test_a_file_object_that_cannot_say_that_it_seeks() -> None:
    buffer = io.BytesIO()
    methods: Any = types.SimpleNamespace(
        **{name: getattr(buffer, name) for name in ("read", "seek", "tell", "write", "flush")}
    )
    save({"a": from_numpy(np.ones(1))}, methods)
    assert load(methods)["a"].tolist() == [1.0]


def test_bad_places_and_options(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        save(1, tmp_path / "missing" / "model.pt")
    with pytest.raises(IsADirectoryError):
        save(1, tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.pt")
    wrong: Any = 3
    with pytest.raises(AttributeError, match="path"):
        save(1, wrong)
    with pytest.raises(AttributeError, match="seekable"):
        load(wrong)
    text: Any = io.StringIO("x")
    with pytest.raises(TypeError, match="bytes"):
        load(text)
    with pytest.raises(RuntimeError, match="CPU"):
        load(saved(1), map_location="cuda")
    with pytest.raises(ValueError, match="mmap"):
        load(saved(1), mmap=True)
    save(1, tmp_path / "one.pt")
    assert load(tmp_path / "one.pt", mmap=True, weights_only=None) == 1
    assert load(saved(1), weights_only=False) == 1
    assert load(saved(1), "cpu") == load(saved(1), map_location=torch.device("cpu")) == 1


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.pt"
    save(1, path)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write to every file
    with pytest.raises(PermissionError, match="read-only"):
        save(2, path)
    assert load(path) == 1 and os.listdir(tmp_path) == ["model.pt"]


# Files that are not such checkpoints


class StorageId:
    """Stands for a storage in a pickle made by :func:`pickled`."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts


class Call:
    """Is pickled as the call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


class StoragePickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.parts if isinstance(obj, StorageId) else None


def pickled(obj: object) -> bytes:
    buffer = io.BytesIO()
    StoragePickler(buffer, protocol=2).dump(obj)
    return buffer.getvalue()


def storage_id(kind: Any = torch.FloatStorage, key: Any = "0", device: Any = "cpu", numel: Any = 6) -> StorageId:
    return StorageId("storage", kind, key, device, numel)


def tensor_call(
    offset: Any = 0,
    shape: Any = (2, 3),
    strides: Any = (3, 1),
    requires_grad: Any = False,
    hooks: Any = None,
    storage: Any = None,
) -> Call:
    storage = storage_id() if storage is None else storage
    hooks = OrderedDict() if hooks is None else hooks
    return Call(torch._utils._rebuild_tensor_v2, storage, offset, shape, strides, requires_grad, hooks)


SIX = np.arange(6, dtype="<f4").tobytes()


def archive(
    program: bytes,
    storages: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
    **records: bytes,
) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("archive/data.pkl", program)
        for name, content in records.items():
            file.writestr(f"archive/{name}", content)
        for key, content in ({"0": SIX} if storages is None else storages).items():
            file.writestr(f"archive/data/{key}", content)
    buffer.seek(0)
    return buffer


def refused(file: Any, message: str = "cannot load", **options: Any) -> None:
    started = time.process_time()
    with pytest.raises(pickle.UnpicklingError, match=message) as caught:
        load(file, **options)
    assert str(caught.value).startswith("cannot load ")
    assert time.process_time() - started < SECONDS_EACH


def test_the_helpers_make_a_good_file() -> None:
    result = load(archive(pickled([tensor_call(), tensor_call(1, (2, 2), (1, 2))])))
    assert result[0].array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert result[1].array.tolist() == [[1, 3], [2, 4]]


def test_big_endian_files() -> None:
    big = {"0": np.arange(6, dtype=">f4").tobytes()}
    tensor = load(archive(pickled(tensor_call()), big, byteorder=b"big"))
    assert tensor.array.dtype == np.float32 and tensor.array.dtype.isnative
    assert tensor.array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert load(archive(pickled(tensor_call()), byteorder=b"little")).array[1, 2] == 5
    refused(archive(pickled(1), byteorder=b"middle"), "byteorder")


def test_tensors_of_another_device() -> None:
    file = archive(pickled(tensor_call(storage=storage_id(device="cuda:0"))))
    refused(file, "'cuda:0'.*map_location='cpu'")
    for place in ("cpu", device("cpu"), {"cuda:0": "cpu"}, lambda storage, name: storage):
        assert load(file, map_location=place).array[1, 2] == 5
    for place in ({"cuda:1": "cpu"}, {"cuda:0": "cuda:1"}, lambda storage, name: None):
        refused(file, "'cuda:0'.*map_location='cpu'", map_location=place)
    assert load(saved_by_torch(torch.arange(2)), map_location={}).tolist() == [0, 1]


INTEGER_STORAGE = storage_id(torch.IntStorage)

BAD_TENSORS = {
    "past the end": (tensor_call(1), "element 6 of a storage of 6"),
    "offset past the end": (tensor_call(6, (), ()), "element 6"),
    "stride past the end": (tensor_call(0, (2, 3), (4, 1)), "element 6"),
    "stride around 2**64": (tensor_call(0, (5,), (2**62,)), "element"),
    "negative offset": (tensor_call(-1), "tensor wrongly"),
    "negative length": (tensor_call(0, (-2, 3)), "shape and strides"),
    "negative stride": (tensor_call(5, (2, 3), (-3, -1)), "shape and strides"),
    "length past 2**63": (tensor_call(0, (2**63, 1), (0, 0)), "shape and strides"),
    "too many elements": (tensor_call(0, (2**40, 2**40), (0, 0)), "too large"),
    "empty, too many elements": (tensor_call(0, (2**40, 2**40, 0), (0, 0, 0)), "too large"),
    "too many dimensions": (tensor_call(0, (1,) * 65, (1,) * 65), "shape and strides"),
    "strides of another number": (tensor_call(0, (2, 3), (1,)), "shape and strides"),
    "float length": (tensor_call(0, (2.0, 3)), "shape and strides"),
    "bool offset": (tensor_call(True), "tensor wrongly"),
    "list shape": (tensor_call(0, [2, 3]), "shape and strides"),
    "no storage": (tensor_call(storage="0"), "tensor wrongly"),
    "tensor for a storage": (tensor_call(storage=tensor_call()), "tensor wrongly"),
    "grad is a string": (tensor_call(requires_grad="yes"), "requires grad"),
    "hooks": (tensor_call(hooks=OrderedDict(a=1)), "hooks"),
    "hooks of a list": (tensor_call(hooks=[1]), "hooks"),
    "numel too large": (tensor_call(storage=storage_id(numel=7)), "type and length"),
    "numel too small": (tensor_call(storage=storage_id(numel=5)), "type and length"),
    "numel huge": (tensor_call(storage=storage_id(numel=2**62)), "type and length"),
    "numel is not an integer": (tensor_call(storage=storage_id(numel=6.0)), "type and length"),
    "key of another record": (tensor_call(storage=storage_id(key="../data.pkl")), "missing or cut"),
    "key of a file": (tensor_call(storage=storage_id(key="/etc/passwd")), "missing or cut"),
    "key is a number": (tensor_call(storage=storage_id(key=0)), "describes a storage"),
    "storage of a dtype": (tensor_call(storage=storage_id(kind=torch.float32)), "describes a storage"),
    "storage id too short": (tensor_call(storage=StorageId("storage", torch.FloatStorage)), "not a storage"),
    "cut in an element": (
        tensor_call(storage=storage_id(torch.DoubleStorage, "cut", numel=1)), "missing or cut",
    ),
    "one storage, two types": (
        [tensor_call(), tensor_call(storage=INTEGER_STORAGE)], "type and length",
    ),
    "booleans": (tensor_call(storage=storage_id(torch.BoolStorage, numel=24)), "booleans"),
    "integers require grad": (
        tensor_call(requires_grad=True, storage=INTEGER_STORAGE), "requires grad",
    ),
    "parameter of a list": (
        Call(torch._utils._rebuild_parameter, [1], True, OrderedDict()), "parameter wrongly",
    ),
    "parameter of too little": (Call(torch._utils._rebuild_parameter, tensor_call()), "parameter wrongly"),
    "parameter with hooks": (
        Call(torch._utils._rebuild_parameter, tensor_call(), True, OrderedDict(a=1)), "hooks",
    ),
    "parameter of integers": (
        Call(torch._utils._rebuild_parameter, tensor_call(storage=INTEGER_STORAGE), True, OrderedDict()),
        "requires grad",
    ),
    "a storage in a list": ([storage_id()], "a storage or a function"),
    "a function in a tuple": ([(1, (OrderedDict,))], "a storage or a function"),
    "size of strings": (Call(torch.Size, ("a",)), "torch.Size"),
    "a function that is not in the table": (Call(dict), "dict"),
    "bytes of a codec": (Call(_codecs.encode, "x", "rot13"), "bytes"),
    "bytes of a tensor": (Call(_codecs.encode, "x", tensor_call()), "bytes"),
    "bytes past latin1": (Call(_codecs.encode, "\u0100", "latin1"), "bytes"),
    "bytes of a length": (Call(bytes, 10**9), "bytes"),
    "set of tensors": (Call(set, [tensor_call()]), "set"),
    "set of nested tuples": (Call(set, [((1, 2),)]), "set"),
    "set of a tuple": (Call(set, (1, 2)), "set"),
    "device that there is not": (Call(torch.device, "abacus", 0), "the device 'abacus'"),
    "device of a number": (Call(torch.device, 0), "device wrongly"),
    "device of too much": (Call(torch.device, "cpu", 0, 0), "device wrongly"),
    "OrderedDict of a list": (Call(OrderedDict, [(1, 2)]), "OrderedDict"),
    "Counter of a string": (Call(Counter, "abc"), "Counter"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_wrong_descriptions_are_refused(case: str) -> None:
    value, message = BAD_TENSORS[case]
    refused(archive(pickled(value), {"0": SIX, "cut": b"12345"}), message)


def short_string(text: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(text)) + text.encode()


def code_running_pickles(marker: Path) -> dict[str, tuple[bytes, bool]]:
    """Every way to name or call a function. Those marked True make a file when Python itself reads them."""
    command = short_string(f"touch {marker}")
    system = b"cos\nsystem\n"
    popen = b"csubprocess\nPopen\n"
    touch = b"](" + short_string("touch") + short_string(str(marker)) + b"e"
    ordered_dict = b"ccollections\nOrderedDict\n)R"
    return {
        "GLOBAL": (b"\x80\x02" + system + command + b"\x85R.", True),
        "GLOBAL without PROTO": (system + command + b"\x85R.", True),
        "STACK_GLOBAL": (
            b"\x80\x02" + short_string("os") + short_string("system") + b"\x93" + command + b"\x85R.",
            True,
        ),
        "INST": (b"\x80\x02(" + command + b"ios\nsystem\n.", True),
        "OBJ": (b"\x80\x02(" + system + command + b"o.", True),
        "EXT1": (b"\x80\x02\x82\xf0" + command + b"\x85R.", True),
        "dotted": (b"\x80\x04ccollections\nabc.sys.modules\n.", False),
        "NEWOBJ": (b"\x80\x02" + popen + touch + b"\x85\x81.", False),
        "NEWOBJ_EX": (b"\x80\x04" + popen + touch + b"\x85}\x92.", False),
        "eval": (
            b"\x80\x02c__builtin__\neval\n" + short_string(f"open({str(marker)!r}, 'w').close()") + b"\x85R.",
            True,
        ),
        "REDUCE of an allowed class's name": (
            b"\x80\x02" + short_string("os.system") + command + b"\x85R.",
            False,
        ),
        "REDUCE of a dtype": (b"\x80\x02ctorch\nfloat32\n" + command + b"\x85R.", False),
        "REDUCE of a storage type": (b"\x80\x02ctorch\nFloatStorage\n" + command + b"\x85R.", False),
        "BUILD items": (b"\x80\x02" + ordered_dict + b"}" + short_string("items") + system + b"sb.", False),
        "BUILD __class__": (b"\x80\x02" + ordered_dict + b"}" + short_string("__class__") + b"Nsb.", False),
        "BUILD slots": (b"\x80\x02" + ordered_dict + b"N}" + short_string("items") + b"Ns\x86b.", False),
        "BUILD metadata of a string": (
            b"\x80\x02" + ordered_dict + b"}" + short_string("_metadata") + b"Nsb.",
            False,
        ),
        "BUILD two attributes": (
            b"\x80\x02" + ordered_dict + b"}" + short_string("_metadata") + b"}s" + short_string("x") + b"Nsb.",
            False,
        ),
        "BUILD function": (
            b"\x80\x02ccollections\nOrderedDict\n}" + short_string("_metadata") + b"}sb.",
            False,
        ),
        "BUILD dict": (b"\x80\x02}}" + short_string("_metadata") + b"}sb.", False),
        "BUILD tensor": (pickled(tensor_call())[:-1] + b"}" + short_string("array") + b"Nsb.", False),
        "BUILD dtype": (b"\x80\x02ctorch\nfloat32\n}" + short_string("name") + b"Nsb.", False),
        "function in metadata": (
            b"\x80\x02" + ordered_dict + b"}" + short_string("_metadata") + b"}K\x01" + b"ctorch\nSize\nssb.",
            False,
        ),
    }


@pytest.mark.parametrize("case", code_running_pickles(Path("marker")))
def test_no_code_is_run(tmp_path: Path, case: str) -> None:
    marker = tmp_path / "marker"
    program, runs_in_python = code_running_pickles(marker)[case]
    copyreg.add_extension("os", "system", 0xF0)
    try:
        refused(archive(program))
        refused(archive(program), weights_only=False)
        assert not marker.exists()
        if runs_in_python:  # the attack is a real one
            pickle.loads(program)
            assert marker.exists()
    finally:
        copyreg.remove_extension("os", "system", 0xF0)


MALFORMED_PICKLES = {
    "empty": b"",
    "no STOP": b"\x80\x02N",
    "STOP on nothing": b"\x80\x02.",
    "two values": b"\x80\x02NN.",
    "open mark": b"\x80\x02(N.",
    "pop below a mark": b"\x80\x02N(\x85.",
    "append across a mark": b"\x80\x02]N(ata.",
    "no mark": b"\x80\x02Nt.",
    "protocol 5": pickle.dumps([1], protocol=5),
    "protocol 3": pickle.dumps([1], protocol=3),
    "protocol 0": pickle.dumps([1], protocol=0),
    "get of nothing": b"\x80\x02h\x05.",
    "put of nothing": b"\x80\x02q\x05.",
    "string past the end": b"\x80\x02X\xff\xff\xff\xffab.",
    "not UTF-8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "GLOBAL without end": b"\x80\x02ctorch",
    "GLOBAL not ASCII": b"\x80\x02c\xff\n\xfe\n.",
    "float past the end": b"\x80\x02G\x00\x00",
    "long past the end": b"\x80\x02\x8a\xff\x00.",
    "long of 2 GiB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "append to None": b"\x80\x02NNa.",
    "append to a tuple": b"\x80\x02)Na.",
    "item of a list": b"\x80\x02]NNs.",
    "item of a Counter": b"\x80\x02ccollections\nCounter\n}\x85RNNs.",
    "odd items": b"\x80\x02}(NNNu.",
    "key is a list": b"\x80\x02}]Ns.",
    "key is a tuple in a tuple": b"\x80\x02})\x85Ns.",
    "key is a long tuple": b"\x80\x02}(" + b"N" * 17 + b"tNs.",
    "key is a long": b"\x80\x02}\x8a\x09" + b"\xff" * 8 + b"\x01Ns.",
    "REDUCE of None": b"\x80\x02N)R.",
    "arguments in a list": b"\x80\x02ccollections\nOrderedDict\n]R.",
    "persistent id None": b"\x80\x02NQ.",
    "text persistent id": b"\x80\x02P0\n.",
    "FRAME of 2**63": b"\x80\x02\x95" + b"\xff" * 8 + b"N.",
}


@pytest.mark.parametrize("case", MALFORMED_PICKLES)
def test_malformed_pickles_are_refused(case: str) -> None:
    refused(archive(MALFORMED_PICKLES[case]))


def copied_often(function: bytes, argument: bytes, *others: bytes) -> bytes:
    """A program that recalls one argument from its memo and calls the function with it, 30,000 times."""
    name = pickle.GLOBAL + function
    arguments = b"(" + argument + b"".join(others) + b"tq\x00"
    return b"\x80\x02](" + name + arguments + b"R" + (name + b"h\x00R") * 30_000 + b"e."


NESTED_TUPLES = b"K\x01\x85q\x00" + b"h\x00\x86q\x00" * 30  # (t, t), again and again: 31 tuples, 2**30 paths


def integers() -> bytes:
    return b"".join(long_int(integer) for integer in range(30_000))


def same_hash() -> bytes:
    """Integers of one hash."""
    return b"".join(b"\x8a\x0c" + (step * (2**61 - 1)).to_bytes(12, "little") for step in range(1, 30_000))


def tuples_of_one_hash(count: int) -> bytes:
    """A dict whose keys are pairs of integers, the second chosen so that the pair's hash is 0.

    A tuple's hash begins with ``PRIME_5``, takes in one item after another as ``rotate(hash + item * PRIME_2) *
    PRIME_1``, and ends by adding a constant. All of it can be run backwards (xxHash, as in CPython's tupleobject.c).
    """
    prime_1, prime_2, prime_5, word = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64

    def rotated(value: int, bits: int) -> int:
        return (value << bits | value >> (64 - bits)) % word

    final = -(2 ^ prime_5 ^ 3527539) % word
    inverse_1, inverse_2 = pow(prime_1, -1, word), pow(prime_2, -1, word)
    wanted = rotated(final * inverse_1 % word, 33)
    pairs: list[tuple[int, int]] = []
    first = 0
    while len(pairs) < count:
        first += 1
        begun = rotated((prime_5 + first * prime_2) % word, 31) * prime_1 % word
        second = (wanted - begun) * inverse_2 % word
        if second < 2**61 - 1:  # such integers are their own hash
            pairs.append((first, second))
    assert {hash(pair) for pair in pairs} == {0}
    items = b"".join(b"J" + struct.pack("<i", a) + b"\x8a\x08" + struct.pack("<q", b) + b"\x86N" for a, b in pairs)
    return b"\x80\x02}(" + items + b"u."


def in_each_others_way(count: int = 84_000) -> tuple[list[int], int]:
    """Integers whose places in a dict of up to 87,381 keys are searched one after another, and one more, which is
    looked for at nearly all of them (CPython's dictobject.c: from the place i to 5 i + 1, once the key is used up).
    """
    places = [0]
    while len(places) < count:
        places.append((5 * places[-1] + 1) % 2**17)
    return places, 841_901_828


def long_int(integer: int) -> bytes:
    return b"J" + struct.pack("<i", integer)


def crowd(after: bytes = b"") -> bytes:
    """The integers of :func:`in_each_others_way` one after another, and ``after`` each."""
    places, among_them = in_each_others_way()
    return b"".join(long_int(place) + after for place in places) + long_int(among_them) + b"q\x00" + after


BOMBS: dict[str, Callable[[], bytes]] = {
    "integers in each other's way": lambda: b"\x80\x02}(" + crowd(b"N") + b"h\x00N" * 100_000 + b"u.",
    "such integers in a set": lambda: b"\x80\x02c__builtin__\nset\n](" + crowd() + b"h\x00" * 100_000 + b"e\x85R.",
    "tuples of one hash": lambda: tuples_of_one_hash(30_000),
    "hash of nested tuples": lambda: b"\x80\x02}" + NESTED_TUPLES + b"Ns.",
    "hash of nested tuples in a set": lambda: b"\x80\x02c__builtin__\nset\n](" + NESTED_TUPLES + b"e\x85R.",
    "integers of one hash": lambda: b"\x80\x02c__builtin__\nset\n](" + same_hash() + b"e\x85R.",
    "bytes": lambda: copied_often(b"_codecs\nencode\n", short_string("a" * 30_000), short_string("latin1")),
    "set": lambda: copied_often(b"__builtin__\nset\n", b"](" + integers() + b"e"),
    "set of one element": lambda: copied_often(b"__builtin__\nset\n", b"](" + b"K\x01" * 30_000 + b"e"),
    "Counter": lambda: copied_often(b"collections\nCounter\n", b"}(" + integers() + b"u"),
    "Size": lambda: copied_often(b"torch\nSize\n", b"(" + integers() + b"t"),
}


@pytest.mark.parametrize("case", BOMBS)
@pytest.mark.usefixtures("unmeasured")
def test_short_programs_with_long_work_are_refused(case: str) -> None:
    refused(archive(BOMBS[case]()))


@pytest.mark.usefixtures("unmeasured")
def test_odd_programs_that_do_no_harm() -> None:
    assert load(archive(b"\x80\x02Nr\xff\xff\xff\xff.")) is None  # the last memo number there is
    assert type(load(archive(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."))) is list
    assert type(load(archive(b"\x80\x02)" + b"\x85" * 50_000 + b"."))) is tuple
    assert len(load(archive(b"\x80\x02" + NESTED_TUPLES + b"."))) == 2
    places, among_them = in_each_others_way()
    memo = b"".join(b"r" + struct.pack("<I", place) for place in places)
    in_the_way = b"\x80\x02N" + memo + (b"r" + struct.pack("<I", among_them)) * 60_000 + b"."
    assert assert_loads_or_is_refused(archive(in_the_way))


@pytest.mark.parametrize(
    "keys",
    [
        [-1, *range(50_000)],
        range(200_000, 0, -1)[:10_000],
        [3**each % 2**61 for each in range(5_000)],
        [0.5, None, True],
    ],
    ids=["counted up", "counted down", "far apart", "of all kinds"],
)
@pytest.mark.usefixtures("unmeasured")
def test_numbers_that_nobody_chose_are_keys(keys: Any) -> None:
    assert load(archive(pickled(dict.fromkeys(keys, 1)))) == dict.fromkeys(keys, 1)
    assert load(archive(pickled(set(keys)))) == set(keys)


@pytest.mark.parametrize("names", [("data.pkl",), ("data/0",), ("DATA/0",), ("data/0\0more",)], ids=repr)
def test_two_records_of_one_name_are_refused(names: tuple[str, ...]) -> None:
    """PyTorch reads the first, zipfile the last; PyTorch asks for neither case, zipfile ends a name at a NUL."""
    file = archive(pickled(tensor_call()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of the name
        with zipfile.ZipFile(file, "a") as added:
            for name in names:
                added.writestr(f"archive/{name.replace(chr(0), '~')}", SIX[::-1])
    content = file.getvalue().replace(b"~", b"\0")
    refused(io.BytesIO(content), "two records of one name")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    """``/dev/zero`` has no end, and a pipe nobody writes to lets wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), Path(os.devnull)):
        refused(path, "a device or a pipe")
    with pytest.raises(IsADirectoryError):
        load(tmp_path)
    refused(archive(b"\x80\x02" + b"(" * 50_000 + b"."))


def with_sizes(file: io.BytesIO, size: int) -> io.BytesIO:
    """The archive with another length for each record, in its directory."""
    content = bytearray(file.getvalue())
    position = content.find(b"PK\x01\x02")
    while position >= 0:
        content[position + 20 : position + 28] = struct.pack("<II", size, size)
        position = content.find(b"PK\x01\x02", position + 4)
    return io.BytesIO(bytes(content))


def test_archives_that_are_no_checkpoints(tmp_path: Path) -> None:
    good = archive(pickled(tensor_call()))
    refused(io.BytesIO(b""), "not a zip archive")
    refused(io.BytesIO(b"hello"), "not a zip archive")
    refused(io.BytesIO(b"PK\x05\x06" + b"\0" * 18), "data.pkl")
    refused(saved_by_torch(torch.zeros(3), _use_new_zipfile_serialization=False), "before version 1.6")
    with pytest.raises(ValueError, match="writes a zip archive only"):
        minigrad.save({}, tmp_path / "older.pt", _use_new_zipfile_serialization=False)
    assert not list(tmp_path.iterdir())
    refused(saved_by_torch(torch.zeros(3), pickle_protocol=4), "protocol 4.*pickle_protocol=2")
    refused(saved_by_torch(torch.nn.Linear(2, 2)), "'torch.nn.modules.linear.Linear'.*state_dict")
    refused(saved_by_torch(torch.zeros(2, dtype=torch.complex64)), "complex64")
    refused(saved_by_torch(torch.zeros(2, dtype=torch.uint16)), "uint16")
    refused(saved_by_torch(torch.zeros(2).to_sparse()), "sparse")
    refused(archive(pickled(1), **{"constants.pkl": b""}), "TorchScript")
    refused(archive(b"\x80\x02X\x00\x00\x01\x00" + b"a" * 65536 + b".", None, zipfile.ZIP_DEFLATED), "compressed")
    refused(with_sizes(good, 2**31), "longer than the file")
    refused(with_sizes(good, len(good.getvalue()) // 2 - 1))
    flipped = bytearray(good.getvalue())
    flipped[flipped.index(SIX) + 3] ^= 1
    refused(io.BytesIO(bytes(flipped)), "CRC")
    path = tmp_path / "broken.pt"
    path.write_bytes(flipped)
    refused(path, "broken.pt")


def test_records_that_overlap_do_not_multiply() -> None:
    big = b"\0" * 1_000_000
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        calls = [tensor_call(storage=storage_id(key=str(key), numel=250_000)) for key in range(3)]
        target.writestr("archive/data.pkl", pickled(calls))
        target.writestr("archive/data/0", big)
        first = target.getinfo("archive/data/0")
        for key in range(1, 3):
            twin = zipfile.ZipInfo(f"archive/data/{key}")
            twin.CRC, twin.header_offset = first.CRC, first.header_offset
            twin.file_size = twin.compress_size = first.file_size
            target.filelist.append(twin)
    assert len(file.getvalue()) < 1_100_000
    refused(file, "longer than the file")


def test_a_record_shorter_than_it_claims_is_not_filled_up() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("archive/data.pkl", pickled(tensor_call()))
        target.writestr("archive/data/0", SIX[:20])  # its checksum is right
        target.getinfo("archive/data/0").file_size = 24
    refused(file, "damaged")


# Mutated files

MUTATIONS = 10_000 if THOROUGH else 2_000


def mutated(content: bytes, generator: random.Random) -> bytes:
    """``content`` with one to three of: a bit flipped, a byte set, a cut, a piece moved, doubled, removed."""
    result = bytearray(content)
    for _ in range(generator.randint(1, 3)):
        start = generator.randrange(len(result) + 1)
        length = generator.randint(1, 40)
        kind = generator.choice(["flip", "flip", "set", "cut", "splice", "double", "remove"])
        if kind in ("flip", "set") and start < len(result):
            result[start] = result[start] ^ 1 << generator.randrange(8) if kind == "flip" else generator.randrange(256)
        elif kind == "cut":
            del result[start:]
        elif kind == "splice":
            source = generator.randrange(len(content))
            result[start : start + generator.randint(0, 40)] = content[source : source + length]
        elif kind == "double":
            result[start:start] = result[start : start + length]
        else:
            del result[start : start + length]
    return bytes(result)


def tensors_in(obj: Any) -> list[Tensor]:
    found, waiting, seen = [], [obj], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            waiting.extend(value)
    return found


def assert_loads_or_is_refused(file: io.BytesIO) -> bool:
    started = time.process_time()
    try:
        result = load(file)
    except pickle.UnpicklingError:
        loaded = False
    else:
        loaded = True
        for tensor in tensors_in(result):
            owner = tensor.array.base
            if owner is not None and tensor.array.size:
                low, high = byte_bounds(owner)
                assert low <= byte_bounds(tensor.array)[0] and byte_bounds(tensor.array)[1] <= high
    assert time.process_time() - started < SECONDS_EACH
    return loaded


@pytest.mark.parametrize("engine", ["minigrad", "torch"])
@pytest.mark.parametrize("part", ["file", "pickle"])
@pytest.mark.usefixtures("unmeasured")
def test_mutated_files_load_or_are_refused(part: str, engine: str) -> None:
    generator = random.Random(f"{part} {engine}")
    base = torch.arange(12.0).reshape(3, 4)
    theirs = {
        "model": torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).state_dict(),
        "views": [base, base[1:, ::2], torch.nn.Parameter(base[0]), torch.tensor([True, False])],
        "rest": (1, 2.5, b"x", {1, 2}, torch.float64, torch.Size([1, 2]), Counter("ab"), None, 2**70, "text"),
    }
    content = (saved(from_torch(theirs)) if engine == "minigrad" else saved_by_torch(theirs)).getvalue()
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        records = {name: file.read(name) for name in file.namelist()}
    loaded = 0
    for _ in range(MUTATIONS // 4):
        if part == "file":
            changed = io.BytesIO(mutated(content, generator))
        else:
            changed = io.BytesIO()
            with zipfile.ZipFile(changed, "w") as file:
                for name, record in records.items():
                    file.writestr(name, mutated(record, generator) if name == "archive/data.pkl" else record)
        loaded += assert_loads_or_is_refused(changed)
    assert 0 < loaded < MUTATIONS // 4  # both outcomes were seen


def test_every_cut_is_refused() -> None:
    content = saved({"a": from_numpy(np.arange(3.0)), "b": [1]}).getvalue()
    for length in range(len(content)):
        with pytest.raises(pickle.UnpicklingError):
            load(io.BytesIO(content[:length]))


def test_random_programs_of_known_instructions() -> None:
    generator = random.Random(5)
    pieces = [
        *INSTRUCTIONS, short_string("0"), b"K\x01", b"h\x00", b"q\x00", b"ctorch\nFloatStorage\n", b".",
        b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"c__builtin__\nset\n",
        pickled(tensor_call())[2:-1], pickled(storage_id())[2:-1],
    ]  # fmt: skip
    for _ in range(1_000):
        program = b"\x80\x02" + b"".join(generator.choices(pieces, k=generator.randint(1, 30))) + b"."
        assert_loads_or_is_refused(archive(program))
