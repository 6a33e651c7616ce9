"""Why a row of a run was predicted so: what becomes of the prediction where a part of the row is left out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import polars as pl

from engine.errors import RunStateError
from engine.kinds.left_out import Part
from engine.parts import Parts
from engine.results.filters import Filter
from engine.results.results import Results
from engine.workers.work import RunModel


class Reasons(ABC):
    """What an engine says of single rows; it needs the run's results for that."""

    @abstractmethod
    def results(self, run_id: str) -> Results: ...

    @abstractmethod
    def _open(self) -> Parts: ...

    def predict_without(self, run_id: str, row: int) -> tuple[tuple[Part, ...], pl.DataFrame]:
        """(parts of row `row`, the lines of the row itself and then of it without each of them); nothing is kept.

        No parts, and no lines, where the model takes rows that have none, or this one was not predicted. Of a model
        that is too slow fewer of them. Raises ModelChanged, PredictionFailed.
        """
        results = self.results(run_id)
        found = results.page(0, 1, where=[Filter("row", "in", (row,))])
        if found.is_empty():
            raise RunStateError(f"Row {row:,} is not in the results of run {run_id}.")
        parts = results.parts(found.row(0, named=True))
        if not parts:
            return (), pl.DataFrame()
        run = results.run
        _, lines = self._open().backend.call(
            "predict_without",
            folder=run.folder,
            about=RunModel(run.model_id, run.version, run.card_sha256, run.checkpoint_sha256),
            options=run.options,
            row=row,
            parts=parts,
        )
        predicted = pl.read_ipc(lines)
        return parts[: predicted.height - 1], predicted
