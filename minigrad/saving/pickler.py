"""A writer of pickles for ``minigrad.save``: turns an object into the program that rebuilds it.

Python's own pickler asks that every function it names can be imported, and torch need not be there. So the
few instructions that a checkpoint needs are written out here, as one method for each type of value. What they
do when they are read is told in ``unpickler.py``, and where the program goes in ``serialization.py``.

A value that occurs twice is written once and then recalled by its number in the memo, so a list that is in
two places is one list again when loaded. In the same way the tensors that are views of one block of memory
refer to one storage.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from minigrad import dtypes
from minigrad.attributes import Size, device
from minigrad.graph.strides import lay_in_order
from minigrad.nn.parameter import Parameter
from minigrad.saving.unpickler import is_key
from minigrad.tensor import Tensor

__all__ = ["STORAGE_NAMES", "CheckpointWriter"]


STORAGE_NAMES = {
    dtypes.bfloat16: "BFloat16Storage",
    dtypes.float16: "HalfStorage",
    dtypes.float32: "FloatStorage",
    dtypes.float64: "DoubleStorage",
    dtypes.uint8: "ByteStorage",
    dtypes.int8: "CharStorage",
    dtypes.int16: "ShortStorage",
    dtypes.int32: "IntStorage",
    dtypes.int64: "LongStorage",
    dtypes.bool: "BoolStorage",
}
_MAX_DEPTH = 200


class CheckpointWriter:
    """Turns an object into a pickle program (``program``) and the storages it refers to (``storages``)."""

    def __init__(self) -> None:
        self.program = bytearray(pickle.PROTO + b"\x02")
        self.storages: list[np.ndarray] = []
        self._storage_keys: dict[int, int] = {}  # id of the array that owns the memory -> index in storages
        self._memo: dict[int, int] = {}  # id of an object -> its number in the memo
        self._kept: list[object] = []  # what those ids belong to, kept alive so that no id is used twice

    def write(self, value: object, place: str, depth: int) -> None:
        """Append the instructions that push ``value``; ``place`` is where it is, for error messages."""
        if depth > _MAX_DEPTH:
            raise pickle.PicklingError(f"cannot save {place[:80]}: it is nested deeper than {_MAX_DEPTH} levels")
        if id(value) in self._memo:
            self.program += pickle.LONG_BINGET + struct.pack("<I", self._memo[id(value)])
            return
        kind = type(value)
        if isinstance(value, Tensor):
            self._write_tensor(value)
        elif isinstance(value, dict) and kind in (dict, OrderedDict, Counter):
            self._write_dict(value, place, depth)
        elif isinstance(value, (list, set)) and kind in (list, set):
            self._write_list_or_set(value, place, depth)
        elif isinstance(value, tuple) and kind in (tuple, Size):
            self._write_tuple(value, place, depth)
        else:
            self._write_leaf(value, place)

    def _write_leaf(self, value: object, place: str) -> None:
        kind = type(value)
        if value is None:
            self.program += pickle.NONE
        elif isinstance(value, bool):
            self.program += pickle.NEWTRUE if value else pickle.NEWFALSE
        elif isinstance(value, int) and kind is int:
            self._write_int(value, place)
        elif isinstance(value, float) and kind is float:
            self.program += pickle.BINFLOAT + struct.pack(">d", value)
        elif isinstance(value, str) and kind is str:
            self._write_string(value)
            self._remember(value)
        elif isinstance(value, bytes) and kind is bytes:
            self._write_global("_codecs encode")
            self._write_string(value.decode("latin1"))
            self._write_string("latin1")
            self.program += pickle.TUPLE2 + pickle.REDUCE
            self._remember(value)
        elif isinstance(value, dtypes.dtype):
            self._write_global(f"torch {value.name}")
        elif isinstance(value, device):
            self._write_device(value)
        else:
            if callable(getattr(value, "state_dict", None)):
                raise TypeError(
                    f"cannot save {place}: it is a {kind.__module__}.{kind.__qualname__}, which is code besides "
                    f"numbers. Keep its numbers, and make it anew before they are loaded:\n"
                    f"    minigrad.save(model.state_dict(), path)\n"
                    f"    model.load_state_dict(minigrad.load(path))"
                )
            raise TypeError(
                f"cannot save {place}: it is a {kind.__module__}.{kind.__qualname__}; a checkpoint holds "
                "tensors, int, float, bool, str, bytes, None, dtypes, devices, and dict, list, tuple and set of these"
            )

    def _write_device(self, value: device) -> None:
        self._write_global("torch device")
        self._write_string(value.type)
        if value.index is not None:
            self._write_int(value.index, "")
        self.program += (pickle.TUPLE1 if value.index is None else pickle.TUPLE2) + pickle.REDUCE
        self._remember(value)

    def _write_int(self, value: int, place: str) -> None:
        if -(2**31) <= value < 2**31:
            self.program += pickle.BININT + struct.pack("<i", value)
            return
        length = value.bit_length() // 8 + 1
        if length > 255:
            raise pickle.PicklingError(f"cannot save {place}: an integer of {length} bytes; 255 is the most")
        self.program += pickle.LONG1 + bytes([length]) + value.to_bytes(length, "little", signed=True)

    def _write_string(self, value: str) -> None:
        text = value.encode("utf-8", "surrogatepass")
        self.program += pickle.BINUNICODE + struct.pack("<I", len(text)) + text

    def _write_global(self, name: str) -> None:
        self.program += pickle.GLOBAL + name.replace(" ", "\n").encode() + b"\n"

    def _write_empty_ordered_dict(self) -> None:
        self._write_global("collections OrderedDict")
        self.program += pickle.EMPTY_TUPLE + pickle.REDUCE

    def _remember(self, value: object) -> None:
        """Keep the value just pushed in the memo, so that meeting the same object again refers back to it."""
        index = self._memo[id(value)] = len(self._kept)
        self._kept.append(value)
        self.program += pickle.LONG_BINPUT + struct.pack("<I", index)

    def _write_dict(self, value: dict[object, object], place: str, depth: int) -> None:
        if type(value) is Counter:
            self._write_global("collections Counter")
            self.write(dict(value), place, depth)
            self.program += pickle.TUPLE1 + pickle.REDUCE
            self._remember(value)
            return
        if type(value) is OrderedDict:
            self._write_empty_ordered_dict()
        else:
            self.program += pickle.EMPTY_DICT
        self._remember(value)
        self.program += pickle.MARK
        for key, item in value.items():
            self._check_key(key, place)
            self.write(key, place, depth + 1)
            self.write(item, f"{place}[{key!r}]", depth + 1)
        self.program += pickle.SETITEMS
        if type(value) is OrderedDict and vars(value):
            self._write_attributes(vars(value), place, depth)

    def _write_attributes(self, attributes: dict[str, Any], place: str, depth: int) -> None:
        metadata = attributes.get("_metadata")
        if len(attributes) != 1 or type(metadata) not in (dict, OrderedDict):
            raise TypeError(f"cannot save {place}: it has attributes besides a state_dict's _metadata")
        self.program += pickle.EMPTY_DICT
        self._write_string("_metadata")
        self.write(metadata, f"{place}._metadata", depth + 1)
        self.program += pickle.SETITEM + pickle.BUILD

    def _check_key(self, key: object, place: str) -> None:
        if not is_key(key):
            raise TypeError(
                f"cannot save {place}: {ascii(key)[:80]} is neither a string, bytes, bool, None, float, 64-bit "
                "integer nor a tuple of 16 of these, which the keys of a dict and the elements of a set must be"
            )

    def _write_list_or_set(self, value: list[object] | set[object], place: str, depth: int) -> None:
        is_set = isinstance(value, set)
        if is_set:
            self._write_global("__builtin__ set")
        self.program += pickle.EMPTY_LIST
        if not is_set:
            self._remember(value)
        self.program += pickle.MARK
        for index, item in enumerate(value):
            if is_set:
                self._check_key(item, place)
            self.write(item, f"{place}[{index}]", depth + 1)
        self.program += pickle.APPENDS
        if is_set:
            self.program += pickle.TUPLE1 + pickle.REDUCE
            self._remember(value)

    def _write_tuple(self, value: tuple[object, ...], place: str, depth: int) -> None:
        if type(value) is Size:
            self._write_global("torch Size")
        self.program += pickle.MARK
        for index, item in enumerate(value):
            self.write(item, f"{place}[{index}]", depth + 1)
        self.program += pickle.TUPLE
        if type(value) is Size:
            self.program += pickle.TUPLE1 + pickle.REDUCE
        self._remember(value)

    def _write_tensor(self, tensor: Tensor) -> None:
        lay_in_order(tensor)
        array = tensor.array
        is_parameter = isinstance(tensor, Parameter)
        if is_parameter:
            self._write_global("torch._utils _rebuild_parameter")
            self.program += pickle.MARK
        self._write_global("torch._utils _rebuild_tensor_v2")
        self.program += pickle.MARK
        key, offset, strides = self._store(array)
        self._write_storage_id(key)
        self._write_int(offset, "")
        self._write_lengths(array.shape)
        self._write_lengths(strides)
        self.program += pickle.NEWTRUE if tensor.requires_grad and not is_parameter else pickle.NEWFALSE
        self._write_empty_ordered_dict()
        self.program += pickle.TUPLE + pickle.REDUCE
        if is_parameter:
            self.program += pickle.NEWTRUE if tensor.requires_grad else pickle.NEWFALSE
            self._write_empty_ordered_dict()
            self.program += pickle.TUPLE + pickle.REDUCE
        self._remember(tensor)

    def _write_storage_id(self, key: int) -> None:
        storage = self.storages[key]
        self.program += pickle.MARK
        self._write_string("storage")
        self._write_global(f"torch {STORAGE_NAMES[dtypes.from_numpy_dtype(storage.dtype)]}")
        self._write_string(str(key))
        self._write_string("cpu")
        self._write_int(storage.size, "")
        self.program += pickle.TUPLE + pickle.BINPERSID

    def _write_lengths(self, lengths: Sequence[int]) -> None:
        self.program += pickle.MARK
        for length in lengths:
            self._write_int(length, "")
        self.program += pickle.TUPLE

    def _store(self, array: np.ndarray) -> tuple[int, int, Sequence[int]]:
        """The index of the storage that ``array`` looks into, and the array's offset and strides in it."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if not _is_view_of_block(array, owner):
            owner = array = np.array(array, order="C")
        if id(owner) not in self._storage_keys:
            self._kept.append(owner)
            self._storage_keys[id(owner)] = len(self.storages)
            self.storages.append(owner.ravel(order="K"))
        offset = byte_bounds(array)[0] - byte_bounds(owner)[0] if array.size else 0
        strides = [stride // array.itemsize for stride in array.strides]
        return self._storage_keys[id(owner)], offset // array.itemsize, strides


def _is_view_of_block(array: np.ndarray, owner: np.ndarray) -> bool:
    """Whether ``owner`` is one block of memory, and ``array`` goes forward over whole elements of it."""
    if not array.size or array.dtype != owner.dtype:
        return False
    low, high = byte_bounds(owner)
    start, end = byte_bounds(array)
    return (
        owner.nbytes == high - low  # no gaps in it
        and low <= start <= end <= high
        and (start - low) % array.itemsize == 0
        and all(stride >= 0 for stride in owner.strides)
        and all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)
    )
