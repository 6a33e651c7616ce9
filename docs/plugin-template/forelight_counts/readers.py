"""A format of one's own: cells parted by pipes, a line a row, names first; `.psv`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers.source import Scan, Source
from engine.settings import Settings


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Every cell as text, as it stands there: the check types it by the card."""
    lines = source.path.read_text(encoding="utf-8").splitlines()
    if not lines:
        raise ReadError(f"{source.name} is empty. Expected names, parted by |, in its first line.")
    names = lines[0].split("|")
    rows = [line.split("|") for line in lines[1:]]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise ReadError(f"{source.name}, row {number}: found {len(row)} cells, expected {len(names)}.")
    return Scan(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").lazy())
