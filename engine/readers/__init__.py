"""File formats: one a file, found by the suffix; a new one is one line in READERS, and its file.

Readers give lazy columns and judge nothing: text formats give text, character for character, and the check types it
by the card.
"""

from __future__ import annotations

import errno
import importlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from engine.cards.card import ModelCard
from engine.errors import FULL_DISK, DiskFull, ForelightError, ReadError
from engine.plugins import Plugin, Registry
from engine.readers.archives import copy_member, members
from engine.readers.source import IMAGE_SUFFIXES, Reader, Scan, Source
from engine.settings import Settings

_MODULES = {
    "delimited": (".csv", ".tsv", ".txt", ".tab"),
    "json_lines": (".jsonl", ".ndjson"),
    "json_records": (".json",),
    "parquet": (".parquet",),
    "excel": (".xlsx", ".xlsm", ".xls", ".ods"),
    "arrays": (".npy", ".npz"),
}
_FORMATS = "CSV, Excel, OpenDocument, Parquet, JSON, NumPy"  # what people call the above
_PACKED = ".zip"


def _read_by(module: str, source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Reads with one of the files here, which is imported only now."""
    reader: Reader = importlib.import_module(f"engine.readers.{module}").scan
    return reader(source, card, scratch, settings)


def _accepted(plugin: Plugin, loaded: Reader) -> tuple[str, Reader]:
    """A package's reader, whose entry point is named by the suffix, without the dot."""
    if not callable(loaded) or f".{plugin.name.lower()}" == _PACKED:
        raise plugin.refused(
            "is no function scan(source, card, scratch, settings) -> Scan of a suffix that it may read."
        )
    return f".{plugin.name.lower()}", loaded


_OWN = {suffix: partial(_read_by, name) for name, suffixes in _MODULES.items() for suffix in suffixes}
READERS: Registry[Reader] = Registry("forelight.readers", _OWN, _accepted)
"""What reads a file, by its suffix; other packages' behind Forelight's own."""

_SYSTEM_ERROR = re.compile(r"os error (\d+)")
log = logging.getLogger("forelight.readers")

__all__ = ["READERS", "Reader", "Scan", "Source", "damage_said", "scan", "scan_table", "takes"]


def takes(card: ModelCard, name: str) -> bool:
    """Whether a file of that name is of a kind that the model takes; a zip may hold any kind."""
    suffix = Path(name).suffix.lower()
    return suffix == _PACKED or suffix in (READERS if card.image is None else IMAGE_SUFFIXES)


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """The lazy columns of one file, by its suffix; ReadError naming the formats there are for any other."""
    suffix = Path(source.name).suffix.lower()
    if suffix not in READERS:
        what = f"'{suffix}' files" if suffix else "files without a suffix"
        formats = ", ".join((_FORMATS, *(other for other in READERS if other not in _OWN)))
        raise ReadError(f"{source.name}: {what} cannot be read. This model takes tables ({formats}), or a zip of them.")
    with damage_said(source.name):
        return READERS[suffix](source, card, scratch, settings)


@contextmanager
def damage_said(names: str) -> Iterator[None]:
    """Whatever a library raises on a file, its panics too, as ReadError in one sentence; a full disk as DiskFull."""
    try:
        yield
    except (ForelightError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as exc:  # Rust's panics are no Exception
        code = getattr(exc, "errno", None) or int((_SYSTEM_ERROR.search(str(exc)) or [0, 0])[1])
        if code in FULL_DISK:
            raise DiskFull from exc
        if code == errno.ENOMEM or isinstance(exc, MemoryError):
            raise ReadError(f"{names} is too large for the memory here. Split it.") from exc
        log.info("a file could not be read", exc_info=exc)
        raise ReadError(f"{names} cannot be read: it is damaged, or not what its name says. Write it again.") from exc


def scan_table(
    sources: Sequence[Source], card: ModelCard, folder: Path, settings: Settings
) -> Iterator[tuple[Source, Scan]]:
    """Each file with its columns; the tables in a zip one by one. Temporary files go to `folder/scratch`."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    for source in sources:
        for each in _unpacked(source, scratch, settings):
            yield each, scan(each, card, scratch, settings)


def _unpacked(source: Source, scratch: Path, settings: Settings) -> Iterator[Source]:
    if Path(source.name).suffix.lower() != _PACKED:
        yield source
        return
    tables = [member for member in members(source, settings) if Path(member.name).suffix.lower() in READERS]
    if not tables:
        raise ReadError(
            f"{source.name}: there is no table in the zip. Put CSV, Parquet, JSON, Excel or NumPy files in."
        )
    for number, member in enumerate(tables):
        path = scratch / f"{source.path.stem}-{number}{Path(member.name).suffix.lower()}"
        copy_member(member, path)
        yield Source(member.name, path)
