"""What a checkpoint's pickle would make, read without making it: nothing is called, hashed or given memory.

Only what torch's own safe loader understands is followed; every other instruction is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


class NotPlainError(ValueError):
    """A pickle that torch.save did not write, or that is broken; says where."""


@dataclass(slots=True, eq=False)
class Named:
    """Something that Python would import."""

    name: str


@dataclass(slots=True, eq=False)
class Call:
    """A call of `function`, with what was put into the result; `state` is what would be set on it."""

    function: object
    arguments: object
    items: list[Any] = field(default_factory=list)
    state: object = None

    @property
    def name(self) -> str:
        return self.function.name if isinstance(self.function, Named) else type(self.function).__name__


@dataclass(slots=True, eq=False)
class Table:
    """A dict: keys and values by turns, as they stand in the file."""

    items: list[Any] = field(default_factory=list)

    def get(self, wanted: str) -> object:
        """The last value under that key, or None."""
        found = [value for key, value in pairs(self) if isinstance(key, str) and key == wanted]
        return found[-1] if found else None


@dataclass(slots=True, eq=False)
class Stored:
    """A reference to numbers that lie beside the pickle."""

    id: object


def outline(content: bytes) -> object:
    """What the pickle would make: Table, Call, Named, Stored, list, tuple and plain values. NotPlainError if broken."""
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(content):
            if instruction.name == "STOP":
                return machine.pop()
            step = _STEPS.get(instruction.name)
            if step is None:
                raise NotPlainError(f"it holds the instruction {instruction.name}, which torch.save does not write")
            step(machine, argument)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as exc:
        raise NotPlainError(str(exc) or type(exc).__name__) from exc
    raise NotPlainError("it has no end")


def pairs(table: Table | Call) -> Iterator[tuple[object, object]]:
    """Its keys and values."""
    return zip(table.items[::2], table.items[1::2], strict=True)


def walk(root: object) -> Iterator[tuple[str, object]]:
    """Everything in it once, with the place where it was met first: `hyper_parameters.folder`."""
    waiting: list[tuple[str, object]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, (list, tuple, Table, Call, Stored)):
            if id(value) in seen:
                continue
            seen.add(id(value))
            waiting += ((_inside(place, name), item) for name, item in _parts(value))
        yield place, value


_LONGEST_PLACE = 200


def _inside(place: str, name: str) -> str:
    whole = f"{place}.{name}" if place and name else place or name
    return whole if len(whole) <= _LONGEST_PLACE else place


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What it holds, the last first, with the name of each where it has one."""
    if isinstance(value, (list, tuple)):
        yield from (("", item) for item in reversed(value))
    elif isinstance(value, Stored):
        yield "", value.id
    elif isinstance(value, (Table, Call)):
        for key, item in reversed(list(pairs(value))):
            yield key if isinstance(key, str) else "", item
            yield "", key
        if isinstance(value, Call):
            yield from (("", value.state), ("", value.arguments), ("", value.function))


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        return self.stack.pop()

    def push(self, value: object) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def remember(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def call(self, _: object) -> None:
        arguments, function = self.pop(), self.pop()
        self.push(Call(function, arguments))

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise NotPlainError("it appends to what is no list")
        target.extend(items)

    def put(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, (Table, Call)) or len(items) % 2:
            raise NotPlainError("it puts items into what is no dict")
        target.items.extend(items)

    def build(self, _: object) -> None:
        state, target = self.pop(), self.stack[-1]
        if not isinstance(target, Call) or target.state is not None:
            raise NotPlainError("it changes what it has not made")
        target.state = state


def _today(name: str) -> str:
    """The name in Python 3: torch.save writes those of Python 2."""
    return name.replace("__builtin__.", "builtins.", 1) if name.startswith("__builtin__.") else name


def _same(machine: _Machine, argument: object) -> None:
    machine.push(argument)


_Step = Callable[[_Machine, Any], None]
_STEPS: Mapping[str, _Step] = MappingProxyType(
    {
        "PROTO": lambda machine, _: None,
        "GLOBAL": lambda machine, name: machine.push(Named(_today(name.replace(" ", ".")))),
        "NEWOBJ": _Machine.call,
        "REDUCE": _Machine.call,
        "BUILD": _Machine.build,
        "APPEND": lambda machine, _: machine.append([machine.pop()]),
        "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
        "SETITEM": lambda machine, _: machine.put([machine.pop(), machine.pop()][::-1]),
        "SETITEMS": lambda machine, _: machine.put(machine.since_mark()),
        "MARK": _Machine.mark,
        "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
        "TUPLE1": lambda machine, _: machine.tuple_of(1),
        "TUPLE2": lambda machine, _: machine.tuple_of(2),
        "TUPLE3": lambda machine, _: machine.tuple_of(3),
        "EMPTY_TUPLE": lambda machine, _: machine.push(()),
        "EMPTY_LIST": lambda machine, _: machine.push([]),
        "EMPTY_DICT": lambda machine, _: machine.push(Table()),
        "NONE": _same,
        "NEWFALSE": lambda machine, _: machine.push(False),
        "NEWTRUE": lambda machine, _: machine.push(True),
        **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"), _same),
        "BINPERSID": lambda machine, _: machine.push(Stored(machine.pop())),
        **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, place: machine.push(machine.memo[place])),
        **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.remember),
    }
)
