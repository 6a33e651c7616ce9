"""The rows that a card's own `encode`, `collate` or `decode` raises an error for: each costs itself alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.cards.card import ModelCard
from engine.errors import EncodeRaised, HostCodeRaised
from engine.ingest.table import FAULT
from engine.own_code.functions import OwnCode
from engine.tasks.task import Inputs

REFUSED = "does not take this"


class RowsRefused(Exception):
    """Tells of lines that were found to be refused while their batch was made: `faults` by their place in the shard."""

    def __init__(self, faults: Mapping[int, str]) -> None:
        super().__init__(f"{len(faults)} lines cannot be encoded")
        self.faults = faults


def refused_rows(own: OwnCode, rows: pa.Table, card: ModelCard, inputs: Inputs) -> dict[int, str]:
    """Why each line of the good `rows` is refused that is: empty where no row is when it is tried by itself.

    Halves are tried, and halves of those that fail, so that one bad row among a thousand costs some twenty calls.
    """
    spans = inputs.batches(rows, card, 1)
    found: dict[int, str] = {}
    waiting = [(0, len(spans))]
    while waiting:
        first, last = waiting.pop()
        start, stop = spans[first][0], spans[last - 1][1]
        try:
            own.encoded(rows.slice(start, stop - start), card, inputs)
        except EncodeRaised as exc:
            if last - first == 1:
                found |= dict.fromkeys(range(start, stop), why_refused(exc, inputs))
            else:
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
    return found


def why_refused(exc: HostCodeRaised, inputs: Inputs) -> str:
    """What the line says of a row, or of a series, that was tried by itself."""
    return f"{exc.key} {REFUSED} {'series' if inputs.has_steps else 'row'}: {exc.why}"


def without_refused(own: OwnCode, rows: pa.Table, card: ModelCard, inputs: Inputs) -> pa.Table:
    """The good `rows` that are taken; all of them where none is, so that whoever goes on meets the error."""
    refused = refused_rows(own, rows, card, inputs)
    kept = [place for place in range(rows.num_rows) if place not in refused]
    return rows.take(pa.array(kept)) if refused and kept else rows


def good_places(rows: pa.Table, span: tuple[int, int]) -> np.ndarray:
    """The places in `rows` of the lines of [start, stop) that can be predicted."""
    if FAULT not in rows.column_names:
        return np.arange(*span)
    good = pc.is_null(rows.column(FAULT).slice(span[0], span[1] - span[0]))
    return np.flatnonzero(good.to_numpy()) + span[0]


def with_faults(rows: pa.Table, faults: Mapping[int, str]) -> pa.Table:
    """The rows with those faults among them; only the part from the first to the last is written anew."""
    first, last = min(faults), max(faults) + 1
    column = rows.column(FAULT) if FAULT in rows.column_names else pa.chunked_array([pa.nulls(len(rows), pa.string())])
    known = column.slice(first, last - first).to_pylist()
    part = pa.array([faults.get(first + place, words) for place, words in enumerate(known)], column.type)
    pieces = chain(column.slice(0, first).chunks, [part], column.slice(last).chunks)
    marked = pa.chunked_array(list(pieces), column.type)
    if FAULT in rows.column_names:
        return rows.set_column(rows.column_names.index(FAULT), FAULT, marked)
    return rows.append_column(FAULT, marked)
