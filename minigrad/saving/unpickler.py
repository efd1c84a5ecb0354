"""A reader of pickles that runs no code: the small stack machine beneath ``minigrad.load``.

A pickle is a program. Its instructions push numbers and strings, gather them into lists and dicts, keep
values in a numbered memo to use again, name functions (GLOBAL) and call them (REDUCE). Python's own reader
will name and call any function there is, so opening a stranger's pickle is running a stranger's program. This
machine knows only the 30 instructions that a checkpoint is written with, and a name means what the caller's
table says: nothing is ever imported. Time and memory stay in proportion to the length of the program, so a
short file is neither a long computation nor a large object.

What a tensor looks like in such a program, and the table of names, are in ``serialization.py``.
Source: the standard library's ``pickletools``, which documents each instruction.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

__all__ = ["CONTAINER_BUILDERS", "Builder", "Refusal", "StackMachine", "excerpt", "is_key"]


_INT64 = range(-(2**63), 2**63)
_KEY_TYPES = (str, bytes, bool, float, type(None))
_MAX_TUPLE = 16  # items of a tuple that is a key
_MAX_TWINS = 256  # such keys with one hash. Some honest ones have it: hash((-1,)) is hash((-2,))
_MAX_GAPS = 1024  # numbers left out among keys that count up
_SEARCHES = 200_000_000, 200  # places that keys may be looked for at: so many, and so many more a byte of the program


def excerpt(value: object) -> str:
    """A few words for an error message on a value that a file named: its type, and its text if it is one."""
    if isinstance(value, str):
        return ascii(value[:80])
    return f"a value of type {type(value).__name__}"


def is_key(value: object) -> bool:
    """Whether a dict may have this key and a set this element: a string, bytes, number, None or a tuple of these.

    Tuples in tuples are left out, and so are integers past 64 bits: hashing nested tuples can take exponential
    time, and many large integers share one hash, so that a short file could keep ``load`` busy for days.
    """
    if type(value) is tuple:
        return len(value) <= _MAX_TUPLE and all(map(_is_plain_key, value))
    return _is_plain_key(value)


def _is_plain_key(value: object) -> bool:
    return type(value) in _KEY_TYPES or (type(value) is int and value in _INT64)


@dataclass(frozen=True)
class Builder:
    """What a name of a function stands for: a safe function of our own, given the tuple of arguments."""

    build: Callable[[tuple[Any, ...]], object]


@dataclass(frozen=True)
class Refusal:
    """What a name that is known, but cannot be had, stands for: the reason, to be told."""

    reason: str


class Crowd:
    """What the keys of one dict may cost. Python derives the place of a number in a dict from its value, and that of a
    string from a secret: so a file can choose numbers that are all looked for at the places of the others.

    Numbers that count up from 0 have places of their own, so only the rest are counted as a crowd.
    """

    __slots__ = ("chosen", "counted", "target")

    def __init__(self, target: dict[object, object]) -> None:
        self.target = target  # kept, so that no other dict gets its id
        self.counted = 0
        self.chosen = 0

    def searches(self, key: object) -> int:
        """At how many places ``key`` is looked for at most, about, before it is put into the dict."""
        if type(key) is int and 0 <= key <= self.counted + _MAX_GAPS:
            self.counted += key not in self.target
        elif type(key) not in (str, bytes):
            self.chosen += 1
        return self.chosen


class StackMachine:
    """Runs one pickle program and returns the object it describes.

    Args:
        program: the pickle.
        names: what each name that GLOBAL may give stands for, by ``"module name"``.
        load_persistent: gives the object for a persistent id, which is how a checkpoint refers to a storage.
        leaves: the types which the result may hold, besides containers, numbers, strings, bytes and None.

    Raises:
        pickle.UnpicklingError: by :meth:`run`, for anything that is not a well-formed program of these parts.
    """

    def __init__(
        self,
        program: bytes,
        names: Mapping[str, object],
        load_persistent: Callable[[object], object],
        leaves: tuple[type, ...],
    ) -> None:
        self.program = program
        self.names = names
        self.load_persistent = load_persistent
        self.leaves = leaves
        self.position = 0
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[bytes, object] = {}  # by the four bytes of the number, whose places nobody can choose
        self.copied = 0
        self.tuple_hashes: Counter[str] = Counter()
        self.crowds: dict[int, Crowd] = {}  # by the id of the dict
        self.searches_left = _SEARCHES[0] + _SEARCHES[1] * len(program)

    def run(self) -> object:
        opcode = self.take(1)
        while opcode != pickle.STOP:
            instruction = INSTRUCTIONS.get(opcode)
            if instruction is None:
                raise UnpicklingError(f"its pickle has the instruction {opcode!r}, which no checkpoint needs")
            if type(instruction) is tuple:
                method, operand = instruction
                method(self, operand)
            else:
                instruction(self)
            opcode = self.take(1)
        result = self.pop()
        if self.stack or self.marks:
            raise UnpicklingError("its pickle ends with values left over")
        self.check_result(result)
        return result

    def check_result(self, result: object) -> None:
        """Refuse a result that holds a part, such as a storage or a function's name, in a value's place."""
        seen: set[int] = set()
        waiting = [result]
        while waiting:
            value = waiting.pop()
            if id(value) in seen or isinstance(value, (str, bytes, int, float, type(None), *self.leaves)):
                continue
            seen.add(id(value))
            if isinstance(value, dict):
                waiting.extend(value.values())
                waiting.extend(vars(value).values() if type(value) is OrderedDict else ())
            elif isinstance(value, (list, tuple, set)):
                waiting.extend(value)
            else:
                raise UnpicklingError("its pickle leaves a storage or a function where a value belongs")

    # The program text

    def take(self, count: int) -> bytes:
        start = self.position
        self.position = start + count
        if self.position > len(self.program):
            raise UnpicklingError("its pickle breaks off")
        return self.program[start : self.position]

    def take_line(self) -> str:
        end = self.program.find(b"\n", self.position)
        if end < 0:
            raise UnpicklingError("its pickle breaks off")
        line = self.take(end - self.position)
        self.position = end + 1
        return line.decode("utf-8", "backslashreplace")

    # The stack. A mark divides it: nothing pops values from below the last mark.

    def pop(self) -> object:
        floor = self.marks[-1] if self.marks else 0
        if len(self.stack) <= floor:
            raise UnpicklingError("its pickle takes a value where there is none")
        return self.stack.pop()

    def top(self) -> object:
        value = self.pop()
        self.stack.append(value)
        return value

    def pop_several(self, count: int | None) -> list[object]:
        """So many values in the order in which they were pushed; with None, all of them above the last mark."""
        if count is None and self.marks:
            start = self.marks.pop()
        else:
            start = len(self.stack) - count if count is not None else -1
            if start < (self.marks[-1] if self.marks else 0):
                raise UnpicklingError("its pickle takes a value where there is none")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    # The instructions

    def protocol(self) -> None:
        version = self.take(1)[0]
        if version != 2:
            raise UnpicklingError(f"its pickle is of protocol {version}; save it with pickle_protocol=2")

    def mark(self) -> None:
        self.marks.append(len(self.stack))

    def push(self, value: object) -> None:
        self.stack.append(value)

    def push_new(self, container: type) -> None:
        self.stack.append(container())

    def push_number(self, layout: str) -> None:
        self.stack.append(struct.unpack(layout, self.take(struct.calcsize(layout)))[0])

    def push_long(self) -> None:
        digits = self.take(self.take(1)[0])
        self.stack.append(int.from_bytes(digits, "little", signed=True))

    def push_string(self) -> None:
        text = self.take(int.from_bytes(self.take(4), "little"))
        try:
            self.stack.append(text.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError as error:
            raise UnpicklingError("its pickle has a string that is not UTF-8") from error

    def push_tuple(self, count: int | None) -> None:
        self.stack.append(tuple(self.pop_several(count)))

    def extend(self, count: int | None) -> None:
        values, target = self.pop_several(count), self.top()
        if type(target) is not list:
            raise UnpicklingError("its pickle appends to something that is not a list")
        target.extend(values)

    def update(self, count: int | None) -> None:
        keys_and_values, target = self.pop_several(count), self.top()
        if type(target) not in (dict, OrderedDict) or len(keys_and_values) % 2:
            raise UnpicklingError("its pickle sets an item of something that is not a dict")
        assert isinstance(target, dict)
        for key, value in zip(keys_and_values[::2], keys_and_values[1::2], strict=True):
            self.check_key(target, key)
            target[key] = value

    def check_key(self, target: dict[object, object], key: object) -> None:
        """Refuse what is no key of ``target``, and keys that were chosen to be searched for or compared with all."""
        if not is_key(key):
            raise UnpicklingError(f"its pickle has {excerpt(key)} as a key of a dict or an element of a set")
        if type(key) is tuple:
            self.tuple_hashes[str(hash(key))] += 1
            if self.tuple_hashes[str(hash(key))] > _MAX_TWINS:
                raise UnpicklingError("its pickle has many tuples of one hash as keys")
        if type(key) is not str:
            crowd = self.crowds.setdefault(id(target), Crowd(target))
            self.searches_left -= crowd.searches(key)
            if self.searches_left < 0:
                raise UnpicklingError("its pickle has too many numbers as keys of one dict, not counted up from 0")

    def put(self, size: int) -> None:
        self.memo[self.take(size).ljust(4, b"\0")] = self.top()

    def get(self, size: int) -> None:
        index = self.take(size).ljust(4, b"\0")
        if index not in self.memo:
            raise UnpicklingError("its pickle recalls a value that it never kept")
        self.stack.append(self.memo[index])

    def push_global(self) -> None:
        module = self.take_line()
        name = self.take_line()
        if f"{module} {name}" not in self.names:
            full_name = ascii(f"{module}.{name}"[:80])
            raise UnpicklingError(
                f"its pickle names {full_name}, which minigrad does not load; a checkpoint holds tensors, numbers, "
                "strings and containers. Of a whole module keep the state_dict where it is saved, and load that:\n"
                "    torch.save(model.state_dict(), path)\n"
                "    model.load_state_dict(minigrad.load(path))"
            )
        meaning = self.names[f"{module} {name}"]
        if isinstance(meaning, Refusal):
            raise UnpicklingError(meaning.reason)
        self.stack.append(meaning)

    def push_persistent(self) -> None:
        self.stack.append(self.load_persistent(self.pop()))

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Builder) or type(arguments) is not tuple:
            raise UnpicklingError("its pickle calls something that is not a function")
        if arguments and isinstance(arguments[0], (str, list, dict)):
            self.copied += len(arguments[0])  # honest programs spell out each string or list that a call copies
        if self.copied > len(self.program):
            raise UnpicklingError("its pickle copies one value many times")
        if arguments and type(arguments[0]) is list:  # the elements of a set: no other function takes a list
            elements: dict[object, object] = {}
            for element in arguments[0]:
                self.check_key(elements, element)
                elements[element] = None
        self.stack.append(function.build(arguments))

    def build(self) -> None:
        """Give an OrderedDict the one attribute that a ``state_dict`` has: the versions of its modules."""
        state, target = self.pop(), self.top()
        metadata = state.get("_metadata") if type(state) is dict and len(state) == 1 else None
        if type(target) is not OrderedDict or type(metadata) not in (dict, OrderedDict):
            raise UnpicklingError("its pickle sets attributes other than a state_dict's _metadata")
        vars(target)["_metadata"] = metadata


TO_MARK = None  # all values above the last mark, instead of a number of them
# Of each instruction: its method, and what that is called with, if anything.
INSTRUCTIONS: Mapping[bytes, Any] = {
    pickle.PROTO: StackMachine.protocol,
    pickle.MARK: StackMachine.mark,
    pickle.NONE: (StackMachine.push, None),
    pickle.NEWTRUE: (StackMachine.push, True),
    pickle.NEWFALSE: (StackMachine.push, False),
    pickle.BININT: (StackMachine.push_number, "<i"),
    pickle.BININT1: (StackMachine.push_number, "<B"),
    pickle.BININT2: (StackMachine.push_number, "<H"),
    pickle.LONG1: StackMachine.push_long,
    pickle.BINFLOAT: (StackMachine.push_number, ">d"),
    pickle.BINUNICODE: StackMachine.push_string,
    pickle.EMPTY_DICT: (StackMachine.push_new, dict),
    pickle.EMPTY_LIST: (StackMachine.push_new, list),
    pickle.EMPTY_TUPLE: (StackMachine.push_new, tuple),
    pickle.TUPLE: (StackMachine.push_tuple, TO_MARK),
    pickle.TUPLE1: (StackMachine.push_tuple, 1),
    pickle.TUPLE2: (StackMachine.push_tuple, 2),
    pickle.TUPLE3: (StackMachine.push_tuple, 3),
    pickle.APPEND: (StackMachine.extend, 1),
    pickle.APPENDS: (StackMachine.extend, TO_MARK),
    pickle.SETITEM: (StackMachine.update, 2),
    pickle.SETITEMS: (StackMachine.update, TO_MARK),
    pickle.BINPUT: (StackMachine.put, 1),
    pickle.LONG_BINPUT: (StackMachine.put, 4),
    pickle.BINGET: (StackMachine.get, 1),
    pickle.LONG_BINGET: (StackMachine.get, 4),
    pickle.GLOBAL: StackMachine.push_global,
    pickle.BINPERSID: StackMachine.push_persistent,
    pickle.REDUCE: StackMachine.reduce,
    pickle.BUILD: StackMachine.build,
}


def container(make: Callable[..., object], *kinds: type, wrong: str) -> Builder:
    """A builder that calls ``make`` with arguments of just these types, and says of others what is ``wrong``."""

    def build(arguments: tuple[Any, ...]) -> object:
        if tuple(map(type, arguments)) != kinds:
            raise UnpicklingError(f"its pickle {wrong}")
        return make(*arguments)

    return Builder(build)


UNKNOWN_SPELLING = "spells bytes in an unknown way"


def encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1" or max(text, default="") > "\xff":
        raise UnpicklingError(f"its pickle {UNKNOWN_SPELLING}")
    return text.encode("latin1")


CONTAINER_BUILDERS: Mapping[str, object] = {
    "collections OrderedDict": container(OrderedDict, wrong="calls OrderedDict with arguments"),
    "collections Counter": container(Counter, dict, wrong="calls Counter with something that is not a dict"),
    "__builtin__ set": container(set, list, wrong="calls set with something that is not a list"),
    "__builtin__ bytes": container(bytes, wrong=UNKNOWN_SPELLING),
    "_codecs encode": container(encoded, str, str, wrong=UNKNOWN_SPELLING),
}
