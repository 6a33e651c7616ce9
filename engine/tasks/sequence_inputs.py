"""Lines of a long table, one a step → float32 (series, steps, features)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from engine.cards.card import ModelCard, SequenceInput
from engine.cards.signature import Report
from engine.errors import CardError
from engine.ingest.sequence import ingest_sequences, series_lengths
from engine.ingest.table import Progress
from engine.readers import Source
from engine.settings import Settings
from engine.tasks.table_inputs import TableInputs, encode_columns, probe_columns
from engine.views import SeriesGrid, SeriesLines, View

if TYPE_CHECKING:
    import torch

_PROBE_STEPS = 4


class SequenceInputs(TableInputs):
    """One series, one prediction for each of its steps."""

    has_steps = True
    grows = False

    def check_card(self, card: ModelCard) -> None:
        super().check_card(card)
        if card.sequence is None:
            raise CardError("key 'sequence' is missing: name the columns that hold the series and the step")

    def ingest(
        self,
        sources: Sequence[Source],
        card: ModelCard,
        folder: Path,
        settings: Settings,
        renames: Mapping[str, str],
        progress: Progress,
    ) -> Report:
        return ingest_sequences(sources, card, folder, settings, renames, progress)

    def batch_size(self) -> int:
        """Lines: 128 series of 20 steps; a CPU's cache does not hold more."""
        return 2_560

    def batches(self, rows: pa.Table, card: ModelCard, size: int) -> list[tuple[int, int]]:
        """Whole series of one length each: a tensor holds no other."""
        lengths = series_lengths(pl.Series(rows.column(sequence_of(card).series)))
        ranges: list[tuple[int, int]] = []
        start = 0
        for length, alike in groupby(lengths):
            count, together = len(list(alike)), max(1, size // length) * length
            stop = start + count * length
            ranges += [(first, min(first + together, stop)) for first in range(start, stop, together)]
            start = stop
        return ranges

    def encode(self, rows: pa.Table, card: ModelCard) -> torch.Tensor:
        steps = sequence_of(card).length or series_lengths(pl.Series(rows.column(sequence_of(card).series)))[0]
        return encode_columns(rows, card.signature).reshape(-1, steps, len(card.signature))

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        """(series, steps, …) → (lines, …); an output (series, …) without steps stands on every line of its series."""
        steps = lines // output.shape[0]
        if output.ndim >= 3 or (output.ndim == 2 and output.shape[1] == steps and steps > 1):
            return output.flatten(0, 1)
        return output.repeat_interleave(steps, dim=0)

    def probe(self, card: ModelCard, items: int) -> torch.Tensor:
        steps = sequence_of(card).length or _PROBE_STEPS
        return probe_columns(card.signature, items * steps).reshape(items, steps, len(card.signature))

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        header, example = super().template(card)[1].decode().splitlines()
        steps = sequence_of(card).length or _PROBE_STEPS
        rest = example.split(",", 2)[2]
        lines = [header, *(f"1,{step},{rest}" for step in range(1, steps + 1))]
        return "csv", ("\n".join(lines) + "\n").encode()

    def views(self, card: ModelCard) -> tuple[View, ...]:
        sequence = sequence_of(card)
        inputs = tuple(column.name for column in card.signature)
        outputs = tuple(output.name for output in card.outputs)
        lines = SeriesLines(sequence.series, sequence.step, inputs, outputs)
        return (lines, SeriesGrid(sequence.series, sequence.step, outputs)) if outputs else (lines,)

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        sequence = sequence_of(card)
        steps = f"{sequence.length} lines a series" if sequence.length else "any number of lines a series"
        return (
            f"A long table, one line a step: '{sequence.series}', '{sequence.step}' and {len(card.signature)} columns; "
            f"{steps}.",
            f"Or a NumPy array, series × steps × {len(card.signature)}.",
        )


def sequence_of(card: ModelCard) -> SequenceInput:
    """How the card's series are laid out; CardError where it does not say."""
    if card.sequence is None:
        raise CardError("key 'sequence' is missing")
    return card.sequence
