"""Whether a checkpoint's pickle makes nothing but plain data and tensors of its own file; asked before it is loaded.

torch's safe loader runs no code, and yet a few bytes make it take gigabytes (`bytearray(10**10)`, a tensor that spreads
one number over as many places as one likes) or all time there is (a key of tuples in tuples, which is hashed). So
each call that it would make is looked at first, with its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from types import MappingProxyType

import torch

from engine.checkpoints.pickled import Call, Named, NotPlainError, Stored, Table, outline, pairs, walk
from engine.errors import CheckpointError

_PLAIN = (str, int, float, bool, type(None))
_MOST_TIMES, _FREE_BYTES = 4, 64 << 20  # tensors may share numbers, as tied weights do
_TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_ORDERED = "collections.OrderedDict"
_NAMED_TYPES = 5
_WIDTHS: Mapping[str, int] = MappingProxyType(
    {
        "torch.storage.UntypedStorage": 1,
        **dict.fromkeys(("torch.BoolStorage", "torch.ByteStorage", "torch.CharStorage"), 1),
        **dict.fromkeys(("torch.HalfStorage", "torch.BFloat16Storage", "torch.ShortStorage"), 2),
        **dict.fromkeys(("torch.FloatStorage", "torch.IntStorage"), 4),
        **dict.fromkeys(("torch.DoubleStorage", "torch.LongStorage", "torch.ComplexFloatStorage"), 8),
        "torch.ComplexDoubleStorage": 16,
    }
)
Sizes = Mapping[str, int]


def check_harmless(file: str, content: bytes, sizes: Sizes, objects: Container[str] = ()) -> None:
    """CheckpointError where the pickle would make anything else; `sizes` are the bytes of the numbers beside it.

    What Python would import for it is named, with the key that it stands under. What is called as in `objects` may be
    in it: who loads it puts something in its place that does nothing.
    """
    try:
        found = list(walk(outline(content)))
    except NotPlainError as exc:
        raise CheckpointError(f"{file} cannot be read as a checkpoint: {exc}. Save it again.") from exc
    named = {value.name: place for place, value in reversed(found) if isinstance(value, Named) and not _known(value)}
    foreign = {name: place for name, place in named.items() if name not in objects}
    if foreign:
        raise CheckpointError(_foreign_said(file, foreign))
    numbers = 0
    for place, value in found:
        fault = _fault(value, sizes, objects)
        if fault:
            raise CheckpointError(f"{file}: {place or 'the checkpoint'} {fault}. It may be damaged or hostile.")
        if isinstance(value, Call) and value.name in _TENSORS:
            numbers += _tensor_bytes(value, sizes) or 0
    if numbers > _MOST_TIMES * sum(sizes.values()) + _FREE_BYTES:
        raise CheckpointError(
            f"{file}: its tensors take {numbers >> 20:,} MiB, of {sum(sizes.values()) >> 20:,} MiB in the file. Save "
            "those that are expanded with .contiguous()."
        )


def _foreign_said(file: str, foreign: Mapping[str, str]) -> str:
    named = [f"{name} ({place})" if place else name for name, place in sorted(foreign.items())[:_NAMED_TYPES]]
    return (
        f"{file} holds objects of {', '.join(named)}; only tensors and plain data are loaded. "
        "Where they are hyper-parameters, `python -m engine init` copies the checkpoint without them and proposes what "
        "the card then says; next time self.save_hyperparameters(ignore=[…]). "
        "Of a whole module save {'state_dict': module.state_dict()}."
    )


def _known(named: Named) -> bool:
    return named.name in _CALLS or named.name in _WIDTHS or _dtype(named.name) is not None


def _dtype(name: str) -> torch.dtype | None:
    found = getattr(torch, name.removeprefix("torch."), None) if name.startswith("torch.") else None
    return found if isinstance(found, torch.dtype) else None


def _fault(value: object, sizes: Sizes, objects: Container[str]) -> str:
    """What is wrong with this one thing, "" where nothing is."""
    if isinstance(value, Stored) and _storage(value, sizes) is None:
        return "refers to numbers that are not in the file"
    if isinstance(value, Table | Call) and not all(_is_key(key) for key, _ in pairs(value)):
        return "has a key that is no text and no number"
    if not isinstance(value, Call) or (value.name in objects and isinstance(value.arguments, tuple)):
        return ""
    if value.name not in _CALLS or not isinstance(value.arguments, tuple):
        return "calls something that is no plain data"
    if (value.items or value.state is not None) and value.name != _ORDERED:
        return f"puts something into a {value.name}"
    if value.name in _TENSORS:
        return "" if _tensor_bytes(value, sizes) is not None else "is a tensor of numbers that are not in the file"
    return "" if _CALLS[value.name](*value.arguments) else f"calls {value.name} in a way that torch.save does not"


def _is_key(value: object) -> bool:
    flat = value if isinstance(value, tuple) else (value,)
    return all(isinstance(item, _PLAIN) for item in flat)


def _storage(stored: Stored, sizes: Sizes) -> tuple[int, int] | None:
    """(bytes of the numbers that it refers to, bytes of each), None where the file does not hold so many."""
    match stored.id:
        case ("storage", Named(name=name), str(key), str(), int(count)) if name in _WIDTHS:
            there = count * _WIDTHS[name]
            return (there, _WIDTHS[name]) if sizes.get(key) == there else None
    return None


def _tensor_bytes(call: Call, sizes: Sizes) -> int | None:
    """Bytes that a tensor takes once each of its places is written out; None where one lies beyond its numbers."""
    match call.arguments:
        case (Stored() as stored, int(offset), tuple(size), tuple(stride), bool(), *rest):
            storage = _storage(stored, sizes)
        case _:
            return None
    places = (offset, *size, *stride)
    if storage is None or len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in places):
        return None
    if 0 in size:
        return 0
    there, width = storage
    dtype = _dtype(rest[1].name) if len(rest) > 1 and isinstance(rest[1], Named) else None
    width = width if dtype is None else dtype.itemsize
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    return math.prod(size) * width if (last + 1) * width <= there else None


def _no_arguments(*given: object) -> bool:
    return not given


def _one_table(*given: object) -> bool:
    return len(given) <= 1 and all(isinstance(each, Table) for each in given)


def _one_list_of_keys(*given: object) -> bool:
    return len(given) == 1 and isinstance(given[0], list) and all(map(_is_key, given[0]))


def _plain_arguments(*given: object) -> bool:
    return all(isinstance(each, _PLAIN) for each in given)


def _sizes(*given: object) -> bool:
    return len(given) == 1 and isinstance(given[0], tuple) and all(isinstance(each, int) for each in given[0])


def _latin_1(*given: object) -> bool:
    return len(given) == 2 and isinstance(given[0], str) and given[1] in ("latin1", "latin-1")


def _a_tensor(*given: object) -> bool:
    return len(given) >= 2 and isinstance(given[0], Call) and given[0].name in _TENSORS


_CALLS: Mapping[str, Callable[..., bool]] = MappingProxyType(
    {
        _ORDERED: _no_arguments,
        "collections.Counter": _one_table,
        "builtins.set": _one_list_of_keys,
        "builtins.complex": _plain_arguments,
        "torch.device": _plain_arguments,
        "torch.Size": _sizes,
        "_codecs.encode": _latin_1,
        "torch._utils._rebuild_parameter": _a_tensor,
        "torch._utils._rebuild_parameter_with_state": _a_tensor,
        **dict.fromkeys(_TENSORS, _a_tensor),
    }
)
