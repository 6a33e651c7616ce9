"""File formats: one a file, found by the suffix; a new one is one line in READERS, and its file.

Readers give lazy columns and judge nothing: text formats give text, character for character, and the check types it
by the card.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from engine.card import ModelCard
from engine.errors import ReadError
from engine.plugins import Plugin, Registry
from engine.readers.archives import members, read_member
from engine.readers.source import Reader, Scan, Source
from engine.settings import Settings

_MODULES = {
    "delimited": (".csv", ".tsv", ".txt", ".tab"),
    "json_lines": (".jsonl", ".ndjson"),
    "json_records": (".json",),
    "parquet": (".parquet",),
    "excel": (".xlsx", ".xlsm", ".xls", ".ods"),
    "arrays": (".npy", ".npz"),
}


def _read_by(module: str, source: Source, card: ModelCard, scratch: Path) -> Scan:
    """Reads with one of the files here, which is imported only now."""
    reader: Reader = importlib.import_module(f"engine.readers.{module}").scan
    return reader(source, card, scratch)


def _accepted(plugin: Plugin, loaded: Reader) -> tuple[str, Reader]:
    """A package's reader, whose entry point is named by the suffix, without the dot."""
    if not callable(loaded) or plugin.name.lower() == "zip":
        raise plugin.refused("is no function scan(source, card, scratch) -> Scan of a suffix that it may read.")
    return f".{plugin.name.lower()}", loaded


_OWN = {suffix: partial(_read_by, name) for name, suffixes in _MODULES.items() for suffix in suffixes}
READERS: Registry[Reader] = Registry("forelight.readers", _OWN, _accepted)
"""What reads a file, by its suffix; other packages' behind Forelight's own."""

__all__ = ["READERS", "Reader", "Scan", "Source", "scan", "scan_table"]


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """The lazy columns of one file, by its suffix; ReadError naming the formats there are for any other."""
    suffix = Path(source.name).suffix.lower()
    if suffix not in READERS:
        what = f"'{suffix}' files" if suffix else "files without a suffix"
        raise ReadError(f"{source.name}: {what} cannot be read. Use one of {', '.join(READERS)}, or a zip of them.")
    return READERS[suffix](source, card, scratch)


def scan_table(
    sources: Sequence[Source], card: ModelCard, folder: Path, settings: Settings
) -> Iterator[tuple[Source, Scan]]:
    """Each file with its columns; the tables in a zip one by one. Temporary files go to `folder/scratch`."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    for source in sources:
        for each in _unpacked(source, scratch, settings):
            yield each, scan(each, card, scratch)


def _unpacked(source: Source, scratch: Path, settings: Settings) -> Iterator[Source]:
    if Path(source.name).suffix.lower() != ".zip":
        yield source
        return
    tables = [member for member in members(source, settings) if Path(member.name).suffix.lower() in READERS]
    if not tables:
        raise ReadError(
            f"{source.name}: there is no table in the zip. Put CSV, Parquet, JSON, Excel or NumPy files in."
        )
    for number, member in enumerate(tables):
        path = scratch / f"{source.path.stem}-{number}{Path(member.name).suffix.lower()}"
        path.write_bytes(read_member(member))
        yield Source(member.name, path)
