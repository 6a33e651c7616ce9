"""File formats: one a file, found by the suffix; a new one is one line in READERS, and its file.

Readers give lazy columns and judge nothing: text formats give text, character for character, and the check types it
by the card.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.card import ModelCard
from engine.errors import ReadError
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
READERS: Mapping[str, str] = MappingProxyType(
    {suffix: name for name, suffixes in _MODULES.items() for suffix in suffixes}
)

__all__ = ["READERS", "Reader", "Scan", "Source", "scan", "scan_table"]


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """The lazy columns of one file, by its suffix; ReadError naming the formats there are for any other."""
    suffix = Path(source.name).suffix.lower()
    if suffix not in READERS:
        what = f"'{suffix}' files" if suffix else "files without a suffix"
        raise ReadError(f"{source.name}: {what} cannot be read. Use one of {', '.join(READERS)}, or a zip of them.")
    reader: Reader = importlib.import_module(f"engine.readers.{READERS[suffix]}").scan
    return reader(source, card, scratch)


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
