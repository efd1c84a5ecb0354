"""Saving and loading, in PyTorch's own checkpoint format: what one engine saves, the other loads.

A checkpoint is a zip archive, uncompressed, of these records (``archive`` may be any folder name)::

    archive/data.pkl            a pickle: the dicts, lists, numbers, strings and a description of each tensor
    archive/data/0, data/1 ...  the storages: plain blocks of memory, one for all tensors that are views of it
    archive/byteorder           "little" or "big": the order of the bytes of a number in the storages
    archive/version             "3", the version of this arrangement

The pickle describes a tensor as a call of ``torch._utils._rebuild_tensor_v2`` with a storage, the offset of
its first element, the shape, the strides, ``requires_grad`` and an empty OrderedDict (for hooks). A storage
is a persistent id, ``('storage', torch.FloatStorage, '0', 'cpu', numel)``: element type, name, device and
length.

Here is the archive, written and read, and how tensors are rebuilt; torch is never imported. ``pickler.py``
writes the pickle. ``unpickler.py`` reads it and sees to it that no code from the file is run; read that
next.

Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import math
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import IO, Any, NoReturn, TypeGuard

import numpy as np

from minigrad import dtypes
from minigrad.attributes import Size, check_device, device
from minigrad.creation import from_numpy
from minigrad.dtypes import FLOATS
from minigrad.nn.parameter import Parameter
from minigrad.saving.files import replacing
from minigrad.saving.pickler import STORAGE_NAMES, CheckpointWriter
from minigrad.saving.unpickler import CONTAINER_BUILDERS, Builder, Refusal, StackMachine, excerpt
from minigrad.tensor import Tensor

__all__ = ["load", "save"]


_ABSENT = {
    "torch ComplexFloatStorage": "complex64",
    "torch ComplexDoubleStorage": "complex128",
    "torch complex64": "complex64",
    "torch complex128": "complex128",
    "torch._utils _rebuild_tensor_v3": "a tensor of uint16, uint32, uint64 or float8",
    "torch._utils _rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils _rebuild_qtensor": "a quantized tensor",
    "torch._utils _rebuild_meta_tensor_no_storage": "a tensor without values, of the device meta",
    "torch._utils _rebuild_parameter_with_state": "a parameter with attributes of its own",
    "torch._tensor _rebuild_from_type_v2": "a tensor with attributes of its own, or of a subclass",
}
_CHUNK = 1 << 20  # bytes read at once
_ALIGNMENT = 64  # bytes: each record's content starts at a multiple, to be used in place when mapped
_MAX_DIMENSIONS = 64  # NumPy's own limit


# Saving
def save(obj: object, f: str | os.PathLike[str] | IO[bytes], *, _use_new_zipfile_serialization: bool = True) -> None:
    """Write ``obj`` as a checkpoint that this and PyTorch's ``load`` read. Counterpart: ``torch.save``.

    ``obj`` is a Tensor or Parameter, a number (``int``, ``float``, ``bool``), ``str``, ``bytes``, ``None``, a
    ``dtype``, a ``device``, or a ``dict``, ``OrderedDict``, ``Counter``, ``list``, ``tuple``, ``Size`` or
    ``set`` of these, such as the ``state_dict`` of a module, an optimizer or a scheduler. Views that share
    memory still share it when loaded; the whole block that a view looks into is written, as in PyTorch. The
    graph, gradients, hooks and attributes that a tensor was given are not saved.

    Args:
        f: where to write. A file at a path is replaced in one step once the new one is complete: whatever
            fails, the old file stays as it was. Or a file object, open for writing bytes.
        _use_new_zipfile_serialization: only True: what PyTorch wrote before version 1.6 is not written.

    Raises:
        ValueError: it is False.
        TypeError: ``obj`` holds something else; the message says what and where. Nothing has been written.
        pickle.PicklingError: ``obj`` is nested too deeply, or has an integer past 2,040 bits.
        FileNotFoundError: the folder of the path does not exist.
        PermissionError: the file at the path is read-only, or the folder is.
        AttributeError: ``f`` is neither a path nor can it write.

    Deviations: a key of a dict or an element of a set is a string, bytes, bool, None, float or 64-bit
    integer, or a tuple of up to 16 of these. PyTorch's records ``.format_version`` and
    ``.data/serialization_id`` are left out.

    >>> model = minigrad.nn.Linear(3, 2)
    >>> minigrad.save(model.state_dict(), "model.pt")
    >>> model.load_state_dict(minigrad.load("model.pt"))
    <All keys matched successfully>
    """
    if not _use_new_zipfile_serialization:
        raise ValueError("save() writes a zip archive only: leave out _use_new_zipfile_serialization=False")
    writer = CheckpointWriter()
    writer.write(obj, "obj", depth=0)
    program = bytes(writer.program + pickle.STOP)
    if isinstance(f, (str, os.PathLike)):
        with replacing(f) as file:
            _write_archive(file, program, writer.storages)
    elif hasattr(f, "write"):
        _write_archive(f, program, writer.storages)
    else:
        raise AttributeError(f"save() expects a path or a file with a 'write' attribute, not {type(f).__name__}")


def _write_archive(file: IO[bytes], program: bytes, storages: list[np.ndarray]) -> None:
    # PyTorch also writes ".format_version": with it, torch.load may compute where a storage lies instead of
    # looking it up. That suits the gaps between records of its own zip writer, not those written here.
    with zipfile.ZipFile(file, "w") as archive:
        _write_record(archive, "data.pkl", program)
        _write_record(archive, ".storage_alignment", str(_ALIGNMENT).encode())
        _write_record(archive, "byteorder", b"little")
        for index, storage in enumerate(storages):
            little_endian = storage.astype(storage.dtype.newbyteorder("<"), copy=False)
            _write_record(archive, f"data/{index}", little_endian.view(np.uint8).data)
        _write_record(archive, "version", b"3\n")


def _write_record(archive: zipfile.ZipFile, name: str, content: bytes | memoryview) -> None:
    record = zipfile.ZipInfo(f"archive/{name}")
    # The content follows a header of 30 bytes, the name, a padding field with a head of 4 bytes, and the 20
    # bytes of the field for large files.
    start = archive.start_dir + 30 + len(record.filename) + 4 + 20
    padding = -start % _ALIGNMENT
    record.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    with archive.open(record, "w", force_zip64=True) as stream:
        stream.write(content)


# Loading
def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: object = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """Read a checkpoint that ``minigrad.save`` or ``torch.save`` wrote. Counterpart: ``torch.load``.

    No code from the file is run, and no number in it is believed before it is checked, so a file from anybody
    may be loaded. Memory and time stay in proportion to the size of the file.

    Args:
        f: a path, or a file object open for reading bytes that can seek.
        map_location: None, or ``"cpu"`` to also load tensors that were saved from another device, or a dict
            from their devices to ``"cpu"``, or a function: of what it is given and the name of the device, as
            in ``lambda storage, device: storage``; None from it stands for that device.
        weights_only: whichever it is, no code is run: a file that has some is refused.
        mmap: with True ``f`` has to be a path. The file is read whole all the same.

    Returns:
        The object saved. Tensors that shared memory share it again.

    Raises:
        pickle.UnpicklingError: the file is damaged, or is not a checkpoint, or holds something other than
            tensors, numbers, strings and containers (see :func:`save`). The message says what.
        FileNotFoundError: there is no such file; what is there, but no file, is an UnpicklingError.
        ValueError: ``mmap`` is True without a path.
        RuntimeError: ``map_location`` is a device other than the CPU.
        AttributeError: a file object cannot read or seek.

    Deviations: PyTorch can also read its format from before version 1.6, and run a pickle's code when told
    to. A tensor from a GPU without ``map_location="cpu"`` is an UnpicklingError here, a RuntimeError there.

    >>> minigrad.save({"epoch": 3}, "run.pt")
    >>> minigrad.load("run.pt")
    {'epoch': 3}
    """
    if not (map_location is None or callable(map_location) or isinstance(map_location, dict)):
        check_device(str(map_location))
    if isinstance(f, (str, os.PathLike)):
        if os.path.exists(f) and not os.path.isfile(f) and not os.path.isdir(f):
            raise UnpicklingError(f"cannot load {os.fspath(f)}: it is a device or a pipe, not a file")
        with open(f, "rb") as file:
            return _load_from(file, os.fspath(f), map_location)
    if mmap:
        raise ValueError("f must be a path in order to use the mmap argument")
    for method in ("read", "seek", "tell"):
        if not hasattr(f, method):
            raise AttributeError(
                f"{type(f).__name__!r} object has no attribute {method!r}. You can only torch.load from a file that is "
                f"seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
            )
    if isinstance(f.read(0), str):
        raise TypeError(f"load() expects a file open for reading bytes, not the text of a {type(f).__name__}")
    return _load_from(f if hasattr(f, "seekable") else _Seekable(f), type(f).__name__, map_location)


class _Seekable:
    """A user's own file object that can seek, and has no method to say so, for the zip reader, which asks."""

    def __init__(self, file: Any) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def seekable(self) -> bool:
        return True


def _load_from(file: Any, name: str, map_location: object) -> object:
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    start = file.read(2)
    try:
        if start == pickle.PROTO + b"\x02":
            _fail("it is a bare pickle, as PyTorch wrote before version 1.6; a checkpoint is a zip archive")
        with _zip_errors():
            archive = zipfile.ZipFile(file)
        with archive:
            return _CheckpointReader(archive, size, map_location).read()
    except UnpicklingError as error:
        raise UnpicklingError(f"cannot load {name}: {error}") from error.__cause__


@contextmanager
def _zip_errors() -> Iterator[None]:
    """Whatever the zip reader trips over in a damaged file, report it as an UnpicklingError."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise UnpicklingError(f"it is not a zip archive, or a damaged one ({error})") from error


@dataclass(frozen=True)
class _StorageType:
    """What ``torch.FloatStorage`` and its siblings stand for while a pickle is read."""

    dtype: dtypes.dtype


@dataclass(frozen=True)
class _Storage:
    """One block of memory: a flat array."""

    array: np.ndarray


class _CheckpointReader:
    """Reads an archive: runs its pickle, and loads each storage once, when the pickle first refers to it."""

    def __init__(self, archive: zipfile.ZipFile, size: int, map_location: object) -> None:
        self.archive = archive
        self.records = {record.filename: record for record in archive.infolist()}
        names = {record.filename.lower() for record in archive.infolist()}  # PyTorch looks for neither case
        as_written = all(record.filename == record.orig_filename for record in archive.infolist())
        if len(names) < len(archive.infolist()) or not as_written:
            _fail("it has two records of one name, of which every reader would take another")
        self.map_location = map_location
        self.storages: dict[str, _Storage] = {}
        self.prefix = next(iter(self.records), "").partition("/")[0]
        if f"{self.prefix}/constants.pkl" in self.records:
            _fail("it is a TorchScript program, not a checkpoint")
        if any(record.compress_type != zipfile.ZIP_STORED for record in archive.infolist()):
            _fail("its records are compressed, which those of a checkpoint are not")
        if sum(record.file_size for record in archive.infolist()) > size:
            _fail("its records claim to be longer than the file")
        if f"{self.prefix}/data.pkl" not in self.records:
            _fail("it is a zip archive without the record data.pkl")
        self.little_endian = self._is_little_endian()

    def read(self) -> object:
        program = self._read_record(f"{self.prefix}/data.pkl")
        return StackMachine(program, _NAMES, self._load_storage, (Tensor, dtypes.dtype, device)).run()

    def _read_record(self, name: str) -> bytes:
        with _zip_errors():
            return self.archive.read(self.records[name])

    def _is_little_endian(self) -> bool:
        name = f"{self.prefix}/byteorder"
        order = self._read_record(name) if name in self.records else b"little"
        if order not in (b"little", b"big"):
            _fail("its record byteorder says neither little nor big")
        return order == b"little"

    def _load_storage(self, persistent_id: object) -> _Storage:
        if type(persistent_id) is not tuple or len(persistent_id) != 5:
            _fail("its pickle refers to something that is not a storage")
        _, kind, key, device, numel = persistent_id
        if not isinstance(kind, _StorageType) or type(key) is not str or type(device) is not str:
            _fail("its pickle describes a storage wrongly")
        if key not in self.storages:
            self.storages[key] = _Storage(self._read_storage(key, kind.dtype))
        storage = self.storages[key]
        if not self._goes_to_cpu(device, storage):
            _fail(f"it holds tensors of the device {excerpt(device)}; load it with map_location='cpu'")
        if storage.array.dtype != kind.dtype.numpy or type(numel) is not int or numel != storage.array.size:
            _fail(f"its storage {excerpt(key)} is not of the type and length that its pickle says")
        return storage

    def _goes_to_cpu(self, device: str, storage: _Storage) -> bool:
        if callable(self.map_location):
            return device == "cpu" or self.map_location(storage.array, device) is not None
        if isinstance(self.map_location, dict):
            return str(self.map_location.get(device, device)) == "cpu"
        return device == "cpu" or self.map_location is not None

    def _read_storage(self, key: str, dtype: dtypes.dtype) -> np.ndarray:
        name = f"{self.prefix}/data/{key}"
        if name not in self.records or self.records[name].file_size % dtype.itemsize:
            _fail(f"its storage {excerpt(key)} is missing or cut")
        content = np.empty(self.records[name].file_size, np.uint8)
        with _zip_errors(), self.archive.open(self.records[name]) as stream:
            for start in range(0, content.size, _CHUNK):
                content.data[start : start + _CHUNK] = stream.read(_CHUNK)  # a ValueError unless it is as long
        if dtype is dtypes.bool and (content > 1).any():
            _fail(f"its storage {excerpt(key)} is of booleans, but holds bytes other than 0 and 1")
        stored = content.view(dtype.numpy.newbyteorder("<" if self.little_endian else ">"))
        return stored.astype(dtype.numpy, copy=False)


def _fail(reason: str) -> NoReturn:
    raise UnpicklingError(reason)


def _rebuild_tensor(arguments: tuple[object, ...]) -> Tensor:
    if len(arguments) != 6:
        _fail("its pickle describes a tensor wrongly")
    storage, offset, shape, strides, requires_grad, hooks = arguments
    if not isinstance(storage, _Storage) or not _is_length(offset):
        _fail("its pickle describes a tensor wrongly")
    if not _are_lengths(shape) or not _are_lengths(strides) or len(shape) != len(strides):
        _fail("its pickle describes a tensor whose shape and strides are not as many non-negative integers")
    tensor = from_numpy(_view(storage.array, offset, shape, strides))
    return _with_grad(tensor, requires_grad, hooks)


def _is_length(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**63


def _are_lengths(value: object) -> TypeGuard[tuple[int, ...]]:
    return type(value) is tuple and len(value) <= _MAX_DIMENSIONS and all(_is_length(each) for each in value)


def _view(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """The view of ``storage`` with this geometry, in elements, after checking that it stays inside."""
    if math.prod(max(length, 1) for length in shape) * storage.itemsize >= 2**63:
        _fail("its pickle describes a tensor too large for any memory")
    if 0 in shape:
        return np.empty(shape, storage.dtype)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if last >= storage.size:
        _fail(f"its pickle describes a tensor that reaches to element {last} of a storage of {storage.size}")
    byte_strides = [stride * storage.itemsize if length > 1 else 0 for length, stride in zip(shape, strides)]
    return np.ndarray(shape, storage.dtype, storage, offset * storage.itemsize, byte_strides)


def _with_grad(tensor: Tensor, requires_grad: object, hooks: object) -> Tensor:
    if type(requires_grad) is not bool or (requires_grad and tensor.array.dtype.kind not in FLOATS):
        _fail("its pickle says wrongly whether a tensor requires grad")
    if hooks is not None and (type(hooks) is not OrderedDict or hooks):
        _fail("it holds a tensor with hooks, which are code")
    return tensor.requires_grad_(True) if requires_grad else tensor


def _rebuild_parameter(arguments: tuple[object, ...]) -> Tensor:
    if len(arguments) != 3:
        _fail("its pickle describes a parameter wrongly")
    tensor, requires_grad, hooks = arguments
    if not isinstance(tensor, Tensor):
        _fail("its pickle describes a parameter wrongly")
    return _with_grad(Parameter(tensor, requires_grad=False), requires_grad, hooks)


def _rebuild_size(arguments: tuple[object, ...]) -> Size:
    if len(arguments) != 1 or not _are_lengths(arguments[0]):
        _fail("its pickle has a torch.Size that is not a tuple of lengths")
    return Size(arguments[0])


def _rebuild_device(arguments: tuple[object, ...]) -> device:
    name, index = (*arguments, None, None)[:2]
    if len(arguments) > 2 or not isinstance(name, str) or not (index is None or _is_length(index)):
        _fail("its pickle describes a device wrongly")
    try:
        return device(name, index)
    except RuntimeError:
        _fail(f"it holds the device {excerpt(name)}, which there is not")


_NAMES: dict[str, object] = {
    **CONTAINER_BUILDERS,
    "torch._utils _rebuild_tensor_v2": Builder(_rebuild_tensor),
    "torch._utils _rebuild_parameter": Builder(_rebuild_parameter),
    "torch Size": Builder(_rebuild_size),
    "torch device": Builder(_rebuild_device),
    **{f"torch {name}": _StorageType(dtype) for dtype, name in STORAGE_NAMES.items()},
    **{f"torch {dtype.name}": dtype for dtype in STORAGE_NAMES},
    **{name: Refusal(f"it holds {what}, which minigrad does not have") for name, what in _ABSENT.items()},
}
