"""A checkpoint copied without the objects among its hyper-parameters: nothing that the file names is imported or run.

In the place of each class the safe loader gets one that only remembers what it was given.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np
import torch
import yaml

from engine.checkpoints.checkpoint import MAX_HYPER_PARAMETERS, check_archive

_ARGUMENTS, _DATA = "hyper_parameters", "datamodule_hyper_parameters"
_KEPT = ("hparams_name", "pytorch-lightning_version", "epoch", "global_step")
_PLAIN = (str, int, float, bool, type(None), torch.Tensor, torch.dtype, torch.Size)
_NUMBERS = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
_MOST_DEEP = 50
_UNKNOWN = object()


class StandIn:
    """What stands in the place of an object of a class called `path`."""

    path = ""
    given: tuple[Any, ...]
    state: Any

    def __new__(cls, *given: Any) -> Self:  # the loader does not always call __init__
        made = super().__new__(cls)
        made.given, made.state = given, None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def described(self) -> dict[str, Any]:
        """As LightningCLI describes objects: {class_path, init_args}; the arguments as far as they can be seen."""
        seen: Mapping[str, Any] = {}
        if isinstance(self.state, dict):
            seen = {name: _told(value) for name, value in self.state.items() if isinstance(name, str)}
        elif len(self.given) == 1:
            seen = {"value": _told(self.given[0])}  # as an enum takes it
        if not seen or any(name.startswith("_") or value is _UNKNOWN for name, value in seen.items()):
            return {"class_path": self.path}
        return {"class_path": self.path, "init_args": dict(seen)}


def copy_without_objects(source: Path, target: Path) -> dict[str, dict[str, Any]]:
    """The arguments that were objects, each as a description; where there are none the copy is the file itself.

    It is also that where anything else in it is not what a checkpoint holds: loading it says so. CheckpointError where
    it is damaged or hostile besides.
    """
    content = _read(source)
    if content is None:
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
        return {}
    lost: dict[str, dict[str, Any]] = {}
    kept = {key: content[key] for key in _KEPT if isinstance(content.get(key), str | int)}
    kept["state_dict"] = content["state_dict"]
    for key in (_ARGUMENTS, _DATA):
        found = content.get(key) or {}
        plain = {name: _UNKNOWN if _is_endless(value) else _plain(value) for name, value in found.items()}
        kept[key] = {name: value for name, value in plain.items() if value is not _UNKNOWN}
        if key == _ARGUMENTS:
            lost = {name: _shown(found[name]) for name, value in plain.items() if value is _UNKNOWN}
    torch.save(kept, target)
    return lost


def _read(path: Path) -> dict[str, Any] | None:
    """What it holds, where objects are in it and its weights are tensors alone."""
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # it is no checkpoint, or a hostile one
        return None
    if not named:
        return None
    check_archive(path, frozenset(named))
    try:
        stands = [(type("StandIn", (StandIn,), {"path": name}), name) for name in named]
        with torch.serialization.safe_globals(stands):  # type: ignore[arg-type]
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # as an object that holds items of its own
        return None
    weights = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(each, torch.Tensor) for each in weights.values()):
        return None
    return content if all(isinstance(content.get(key) or {}, dict) for key in (_ARGUMENTS, _DATA)) else None


def _is_endless(value: Any) -> bool:
    """Whether it holds itself, as objects may that know each other, or more than anybody says in a card."""
    waiting, seen = [(0, value)], 0
    while waiting:
        depth, each = waiting.pop()
        seen += 1
        if depth > _MOST_DEEP or seen > MAX_HYPER_PARAMETERS:
            return True
        waiting += [(depth + 1, part) for part in _parts(each)]
    return False


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, StandIn):
        return (value.state, *value.given)
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set) else ()


def _plain(value: Any) -> Any:
    """The value where it is plain data all through, a path as text, NumPy's numbers as Python's; else _UNKNOWN."""
    if isinstance(value, StandIn):
        return _number(value) if value.path in _NUMBERS else _path(value)
    if isinstance(value, dict):
        inside = {name: _plain(each) for name, each in value.items()}
        return _UNKNOWN if any(each is _UNKNOWN for each in inside.values()) else inside
    if isinstance(value, list | tuple):
        items = [_plain(each) for each in value]
        return _UNKNOWN if any(each is _UNKNOWN for each in items) else type(value)(items)
    return value if isinstance(value, _PLAIN) else _UNKNOWN


def _path(value: StandIn) -> Any:
    of_paths = value.path.startswith("pathlib.") and all(isinstance(part, str) for part in value.given)
    return str(PurePosixPath(*value.given)) if of_paths else _UNKNOWN


def _number(value: StandIn) -> Any:
    kind, content = value.given if len(value.given) == 2 else (None, None)
    code = kind.given[0] if isinstance(kind, StandIn) and kind.given else ""
    if not isinstance(code, str) or code[:1] not in "fiub" or not isinstance(content, bytes):
        return _UNKNOWN
    try:
        return np.frombuffer(content, np.dtype(code))[0].item()
    except (ValueError, TypeError, IndexError):
        return _UNKNOWN


def _told(value: Any) -> Any:
    """A plain value that a card can say, or an object's description; else _UNKNOWN."""
    plain = _plain(value)
    if plain is _UNKNOWN and isinstance(value, StandIn):
        return value.described()
    try:
        yaml.safe_dump(plain)
    except yaml.YAMLError:  # a tensor
        return _UNKNOWN
    return plain


def _shown(value: Any) -> dict[str, Any]:
    if not isinstance(value, StandIn):
        return {}
    return {"class_path": value.path} if _is_endless(value) else value.described()
