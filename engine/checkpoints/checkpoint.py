"""Checkpoints: from an untrusted .ckpt to weights and hyper-parameters, without running or believing it.

Follows the order in which hostile files were refused cheaply: archive, size, checksums, pickled names, contents.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.cards.card import ModelCard, file_hash
from engine.checkpoints.harmless import check_harmless
from engine.errors import CheckpointError
from engine.settings import why_unsafe

MAX_PICKLE_BYTES = 64 * 2**20
MAX_HYPER_PARAMETERS = 10_000
CLI_KEYS = ("_instantiator", "_class_path")  # what LightningCLI adds
_END = struct.Struct("<4s4H2LH")  # of a zip
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint holds that the engine uses."""

    state_dict: Mapping[str, torch.Tensor]
    hyper_parameters: Mapping[str, Any]
    sha256: str
    hyper_parameters_name: str = ""
    """The one argument that all hyper-parameters are, where the class keeps them so."""
    data_parameters: Mapping[str, Any] = field(default_factory=dict)
    """The hyper-parameters of the LightningDataModule."""


def load_checkpoint(path: Path, card: ModelCard) -> Checkpoint:
    """The checkpoint's weights and hyper-parameters, on the CPU; CheckpointError where it is not safe or not whole."""
    unsafe = why_unsafe()
    if unsafe:
        raise CheckpointError(unsafe)
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # for what a model's own code may load
    if not path.is_file():
        raise CheckpointError(f"The checkpoint {path.name} is not in the model's folder. Put it there.")
    digest = file_hash(path)
    if card.sha256 and card.sha256 != digest:
        raise CheckpointError(
            f"{path.name} is not the file the card names: its SHA-256 is {digest[:12]}…, the card says "
            f"{card.sha256[:12]}…. Put the right file there, or the new hash into the card."
        )
    check_archive(path)
    _check_names(path)
    content = _load(path)
    state_dict = content.get("state_dict")
    if not isinstance(state_dict, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state_dict.items()
    ):
        raise CheckpointError(
            f"{path.name} has no 'state_dict' of tensors; expected a Lightning checkpoint. Of weights alone "
            "torch.save({'state_dict': weights}, path) makes one."
        )
    _check_finite(state_dict, path)
    name = content.get("hparams_name")
    return Checkpoint(
        state_dict,
        _hyper_parameters(content, path),
        digest,
        name if isinstance(name, str) and name != "kwargs" else "",
        _hyper_parameters(content, path, "datamodule_hyper_parameters"),
    )


def check_archive(path: Path, objects: Container[str] = ()) -> None:
    """Refuses what torch would inflate or misread: no zip, deflated or doubled members, sizes that do not add up.

    And a pickle that would make anything but plain data and tensors, and what is called as in `objects`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if not _is_one_zip(path, members):
                raise CheckpointError(f"{path.name} holds more than one zip. It may be damaged or hostile.")
            if len(names) != len(members) or any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise CheckpointError(f"{path.name} has packed or doubled members; torch.save writes neither.")
            if sum(member.file_size for member in members) > path.stat().st_size:
                raise CheckpointError(f"{path.name} declares more bytes than it has. It may be damaged or hostile.")
            if any(member.filename.endswith(".pkl") and member.file_size > MAX_PICKLE_BYTES for member in members):
                raise CheckpointError(f"{path.name} holds a pickle of over {MAX_PICKLE_BYTES >> 20} MiB.")
            damaged = archive.testzip()
            if damaged is not None:
                raise CheckpointError(f"{path.name} is damaged: the checksum of '{damaged}' is wrong. Copy it again.")
            _check_pickle(path, archive, objects)
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as exc:
        raise CheckpointError(
            f"{path.name} is not a checkpoint that torch.save wrote (a zip archive): {exc}. Save it again."
        ) from exc


def _is_one_zip(path: Path, members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether the file begins and ends with it; of two zips in one file, torch may read the one not looked at."""
    with path.open("rb") as file:
        file.seek(-_END.size, os.SEEK_END)
        mark, *_, comment = _END.unpack(file.read())
    return mark == b"PK\5\6" and comment == 0 and min((member.header_offset for member in members), default=0) == 0


def _check_pickle(path: Path, archive: zipfile.ZipFile, objects: Container[str]) -> None:
    """Looks at what would be made, in the very bytes that torch will read: its own zip reader may find others."""
    folder = archive.namelist()[0].partition("/")[0] if archive.namelist() else ""
    sizes = {info.filename.removeprefix(f"{folder}/"): info.file_size for info in archive.infolist()}
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        content, records = reader.get_record("data.pkl"), set(reader.get_all_records())
    except RuntimeError as exc:
        raise CheckpointError(f"{path.name} is not a checkpoint that torch.save wrote: it has no data.pkl.") from exc
    if records != set(sizes) or content != archive.read(f"{folder}/data.pkl"):
        raise CheckpointError(f"{path.name} is a zip that can be read in two ways. It may be damaged or hostile.")
    numbers = {name.removeprefix("data/"): size for name, size in sizes.items() if name.startswith("data/")}
    check_harmless(path.name, content, numbers, objects)


def _check_names(path: Path) -> None:
    """Refuses a pickle that names anything but plain data, and says what."""
    try:
        unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception as exc:  # a hostile pickle may fail in any way
        raise CheckpointError(f"{path.name} cannot be read as a checkpoint: {exc}") from exc
    if unsafe:
        raise CheckpointError(
            f"{path.name} holds objects of {', '.join(sorted(unsafe))}; only tensors and plain data are loaded. "
            "Where they are hyper-parameters, `python -m engine init` copies the checkpoint without them and proposes "
            "what the card then says; next time self.save_hyperparameters(ignore=[…])."
        )


def _load(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:  # torch raises many kinds
        raise CheckpointError(f"{path.name} cannot be loaded: {next(iter(str(exc).splitlines()), repr(exc))}") from exc
    if not isinstance(content, dict):
        raise CheckpointError(f"{path.name} holds {type(content).__name__}; expected a Lightning checkpoint.")
    return content


def _check_finite(state_dict: Mapping[str, torch.Tensor], path: Path) -> None:
    for name, tensor in state_dict.items():
        numbers = tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor
        if tensor.is_floating_point() and not bool(torch.isfinite(numbers).all()):
            raise CheckpointError(f"{path.name}: the weight '{name}' is not finite. The training may have diverged.")


def _hyper_parameters(content: Mapping[str, Any], path: Path, key: str = "hyper_parameters") -> dict[str, Any]:
    """The hyper-parameters, at most MAX_HYPER_PARAMETERS nodes of plain values; no key begins with `_`."""
    found = content.get(key) or {}
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{path.name}: {key} is {type(found).__name__}, expected a dict.")
    kept = {name: value for name, value in found.items() if name not in CLI_KEYS}
    waiting: list[tuple[str, object]] = [(key, kept)]
    seen = 0
    while waiting:
        place, value = waiting.pop()
        seen += 1
        if seen > MAX_HYPER_PARAMETERS:
            raise CheckpointError(f"{path.name} has more than {MAX_HYPER_PARAMETERS:,} hyper-parameters.")
        waiting += _inside(place, value, path)
    return kept


def _inside(key: str, value: object, path: Path) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        bad = [str(name) for name in value if str(name).startswith("_")]
        if bad:
            raise CheckpointError(f"{path.name}: the hyper-parameter '{bad[0]}' begins with '_'. Rename it.")
        return [(f"{key}.{name}", item) for name, item in value.items()]
    if isinstance(value, list | tuple | set):
        return [(f"{key}[{number}]", item) for number, item in enumerate(value)]
    if isinstance(value, (*_PLAIN, torch.Tensor, torch.dtype, torch.Size)):
        return []
    raise CheckpointError(f"{path.name}: {key} is a {type(value).__name__}; save it as text or a number.")
