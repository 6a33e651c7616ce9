"""A file of data that the host's own code reads and that is not there: which, and where it belongs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NOTHING: Mapping[str, object] = MappingProxyType({})


def missing_file(exc: BaseException, folder: Path, arguments: Mapping[str, object] = _NOTHING) -> str:
    """What to do about the file that is missing, in a sentence; "" where the error is another one.

    `folder` is the one that the code lies in, `arguments` are what it was called with.
    """
    if not isinstance(exc, FileNotFoundError) or not isinstance(exc.filename, str | bytes | os.PathLike):
        return ""
    path = Path(os.fsdecode(exc.filename))
    beside = folder.absolute()
    said = next((name for name, value in arguments.items() if value and str(value) in (str(path), exc.filename)), "")
    if said:
        return (
            f"'{path}' is its argument {said}, and is not there: put the file on this machine, and say in the card "
            f"where: {said}: /…/{path.name}."
        )
    if path.is_absolute() and path.is_relative_to(beside):
        return f"Put {path.relative_to(beside)} beside the card."
    found = "a relative path is looked for where the server was started"
    if path.is_absolute():
        found = "it was perhaps on the machine that trained"
    return (
        f"The file '{path}' is not there ({found}). Put {path.name} beside the card, and open it as "
        f"Path(__file__).with_name('{path.name}')."
    )
