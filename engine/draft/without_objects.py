"""A checkpoint copied without the objects among its hyper-parameters: nothing that the file names is imported or run.

In the place of each class the safe loader gets one that only remembers what it was given.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

_ARGUMENTS, _DATA = "hyper_parameters", "datamodule_hyper_parameters"
_KEPT = ("state_dict", "hparams_name", "pytorch-lightning_version", "epoch", "global_step")
_PLAIN = (str, int, float, bool, type(None), torch.Tensor, torch.dtype, torch.Size)
_NUMBERS = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
_UNKNOWN = object()


class StandIn:
    """What stands in the place of an object of a class called `path`."""

    path = ""

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.state: Any = None

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

    It is also that where anything else in it is not what a checkpoint holds: loading it says so.
    """
    content = _read(source)
    if content is None:
        if source.resolve() != target.resolve():
            shutil.copyfile(source, target)
        return {}
    lost: dict[str, dict[str, Any]] = {}
    kept = {key: content[key] for key in _KEPT if _plain(content.get(key, _UNKNOWN)) is not _UNKNOWN}
    for key in (_ARGUMENTS, _DATA):
        found = content.get(key) or {}
        plain = {name: _plain(value) for name, value in found.items()}
        kept[key] = {name: value for name, value in plain.items() if value is not _UNKNOWN}
        if key == _ARGUMENTS:
            lost = {name: _shown(found[name]) for name, value in plain.items() if value is _UNKNOWN}
    torch.save(kept, target)
    return lost


def _read(path: Path) -> dict[str, Any] | None:
    """What it holds, where objects are in it and its weights are tensors alone."""
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        if not named:
            return None
        stands = [(type("StandIn", (StandIn,), {"path": name}), name) for name in named]
        with torch.serialization.safe_globals(stands):  # type: ignore[arg-type]
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # it is no checkpoint, or a hostile one
        return None
    weights = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(each, torch.Tensor) for each in weights.values()):
        return None
    return content if all(isinstance(content.get(key) or {}, dict) for key in (_ARGUMENTS, _DATA)) else None


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
    """A plain value, or an object's description, to be proposed."""
    return value.described() if isinstance(value, StandIn) else _plain(value)


def _shown(value: Any) -> dict[str, Any]:
    return value.described() if isinstance(value, StandIn) else {}
