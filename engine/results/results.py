"""A run's predictions: its lines, and what is worth seeing of them. The only way others see predictions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from engine.cards.card import read_card
from engine.errors import RunStateError
from engine.ingest.table import TRUTH
from engine.kinds.left_out import Part
from engine.kinds.predicted import Predicted
from engine.models.registry import CARD_FILE
from engine.results.filters import Filter, Filters
from engine.results.lines import Lines, ResultColumn
from engine.runs.run import Run
from engine.tasks.task import PartedInputs
from engine.views import Headline, View


class Results(Lines):
    """The lines of one run, the charts and figures that answer for its task, its series and its pictures."""

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The charts that answer for this task, the answer first."""
        names = [column.name for column in self.columns]
        against = [column.name for column in self.columns if _worth_plotting_over(column)]
        of_outputs, of_inputs = self._task.outputs.views(self.card, names, against), self._task.inputs.views(self.card)
        return (*of_inputs, *of_outputs) if self._task.inputs.has_steps else (*of_outputs, *of_inputs)

    def headline(self, where: Filters = ()) -> tuple[Headline, ...]:
        """The figures that stand above the charts, of the lines that all filters let through."""
        names = [column.name for column in self.columns]
        return self._task.outputs.headline(self.card, names, _Chosen(self, where) if where else self)

    def series_ids(self, limit: int = 1_000, where: Filters = ()) -> list[str]:
        """The first series of the file; empty where there are none."""
        if self.card.sequence is None:
            return []
        name = pl.col(self.card.sequence.series).cast(pl.String)
        return self.scan(where).select(name.unique(maintain_order=True).head(limit)).collect().to_series().to_list()

    def series(self, *series_ids: str) -> pl.DataFrame:
        """All lines of those series, in the order of the file."""
        return self.scan().filter(self._series_name.is_in(series_ids)).collect()

    def movement(self, column: str, limit: int, offset: int = 0, where: Filters = ()) -> pl.DataFrame:
        """The series in which the column moves most: series, moves (its highest less its lowest)."""
        value = pl.col(column)
        moved = self._lines(where).group_by(self._series_name.alias("series"))
        return (
            moved.agg((value.max() - value.min()).alias("moves"), pl.col("row").min())
            .filter(pl.col("moves").is_not_null())
            .sort("moves", "row", descending=[True, False])
            .slice(offset, limit)
            .select("series", "moves")
            .collect()
        )

    def parts(self, line: Mapping[str, object]) -> tuple[Part, ...]:
        """What can be left out of a line to see what it does to the prediction: patches, words; () where nothing."""
        inputs = self._task.inputs
        return inputs.parts(line, self.card) if isinstance(inputs, PartedInputs) and line["status"] == "ok" else ()

    def image(self, row: int) -> tuple[bytes, str]:
        """(the visitor's own picture as a browser can show it, its media type) of row `row`, from 1."""
        content, data = self.ask("picture", folder=self.folder.path, row=row)
        return data, content["media_type"]

    def thumbnail(self, row: int, pixels: int = 160) -> bytes:
        """The picture of row `row`, at most `pixels` high and wide, as WebP: made once, kept in the run's folder."""
        path = self.folder.path / "thumbnails" / str(pixels) / str(row // 1_000) / f"{row}.webp"
        if not path.is_file():
            _, content = self.ask("thumbnail", folder=self.folder.path, row=row, pixels=pixels)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{row}.{secrets.token_hex(4)}.part")
            part.write_bytes(content)
            part.replace(path)
        return path.read_bytes()

    def means(self, columns: Sequence[str], where: Filters = ()) -> dict[str, float]:
        """The mean of each of the columns, of those that have one."""
        found = self._lines(where).select(pl.col(list(columns)).mean()).collect().row(0, named=True)
        return {name: float(mean) for name, mean in found.items() if mean is not None}

    def mask(self, row: int, *, truth: bool = False) -> bytes:
        """The mask of row `row` as `engine.kinds.masks` keeps it, in the model's shape; b"" where there is none.

        With `truth` the one that came beside the picture.
        """
        if truth:
            found = self.folder.rows(row - 1, row)
            kept = found.column(TRUTH).to_pylist() if TRUTH in found.column_names else []
        else:
            kept = self.scan([Filter("row", "in", (row,))]).select(self.files).collect().row(0) if self.files else []
        return next((content for content in kept if content), b"")

    def own_mask(self, row: int) -> bytes:
        """The mask of row `row` as large as the picture it is of, an indexed PNG in the labels' colours."""
        _, content = self.ask("mask", of=self.asked, row=row)
        return content

    @cached_property
    def predicted(self) -> Predicted:
        """What a prediction is here, and which columns hold it."""
        return self._task.outputs.predicted(self.card, [column.name for column in self.columns])

    def within(self, other: Results, where: Filters) -> Results:
        """These results, of the rows alone that the filters leave of `other`, a run on the same rows."""
        return Results(self.run, self.card, self.ask, (other, tuple(where))) if where else self

    @property
    def asked(self) -> Asked:
        """What another process needs to have the same results before it."""
        other, where = self.among or (None, ())
        return Asked(self.run, other.run if other is not None else None, where)

    @cached_property
    def _series_name(self) -> pl.Expr:
        if self.card.sequence is None:
            raise RunStateError(f"Run {self.folder.id} has no series.")
        return pl.col(self.card.sequence.series).cast(pl.String)


@dataclass(frozen=True, slots=True)
class Asked:
    """The results that a worker is asked about: a run's, or those of its rows that filters leave of another run."""

    run: Run
    other: Run | None = None
    where: tuple[Filter, ...] = ()

    def results(self) -> Results:
        """The results as they lie on the disk; they show no pictures."""
        own = _on_disk(self.run)
        return own if self.other is None else own.within(_on_disk(self.other), self.where)


def _on_disk(run: Run) -> Results:
    return Results(run, read_card(run.folder / CARD_FILE), _ask_nobody)


def _ask_nobody(job: str, **arguments: object) -> tuple[Mapping[str, object], bytes]:
    raise RuntimeError(f"a worker asks no other one: {job}")


class _Chosen:
    """The queries that a headline asks, of the lines that the filters let through."""

    def __init__(self, results: Results, where: Filters) -> None:
        self._results, self._where = results, where

    def quantiles(self, column: str) -> Mapping[str, float]:
        return self._results.quantiles(column, self._where)

    def value_counts(self, column: str) -> pl.DataFrame:
        return self._results.value_counts(column, where=self._where)


def _worth_plotting_over(column: ResultColumn) -> bool:
    return column.role in ("input", "extra", "label", "order") and (column.is_number or column.few)
