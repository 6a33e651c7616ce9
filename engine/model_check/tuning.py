"""Which of a card's options make a model faster on this machine, and what they change in its predictions: measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa

from engine.cards.card import ModelCard
from engine.checkpoints.warm import LoadedModel, load_model
from engine.errors import ForelightError, InputRefused
from engine.prediction.batch_size import find_batch_size, speed
from engine.prediction.predictor import device_kind, predict_shard
from engine.readers import Source
from engine.runs.folder import RunFolder
from engine.settings import Settings
from engine.tasks import task_of, usual_batch_size

WORTH_IT = 1.1
CLOSE = 0.01
_ROUNDS = 3
_BATCHES = 16
_MOST_BYTES = 2**28
_PRECISIONS = {"cpu": ("bf16-mixed", "bf16-true"), "cuda": ("16-mixed", "bf16-mixed", "bf16-true")}
PLAIN: Mapping[str, object] = {"memory_format": "contiguous", "compile": False}
Options = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of how many rows another class came out; how far figures lie apart at most, in shares of their column's range."""

    classes: int
    figures: float

    @property
    def small(self) -> bool:
        return not self.classes and self.figures <= CLOSE


@dataclass(frozen=True, slots=True)
class Trial:
    """The model with these options of its card: how many times as fast as without, what differs; or why it fails."""

    options: Options
    ratio: float = 0.0
    difference: Difference = Difference(0, 0.0)
    error: str = ""

    @property
    def pays(self) -> bool:
        """A tenth faster at least, and the predictions are the same but for their last digits."""
        return not self.error and self.ratio >= WORTH_IT and self.difference.small


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured on so many rows: rows a second of the plain model, each trial, the batch size that is best."""

    rows: int
    rows_per_second: float
    trials: tuple[Trial, ...]
    batch_size: int
    usual_batch_size: int

    @property
    def best(self) -> Options:
        """The options of the fastest trial that pays; none where none does."""
        paying = [trial for trial in self.trials if trial.pays]
        return max(paying, key=lambda trial: trial.ratio).options if paying else {}


def tune(card: ModelCard, folder: Path, sources: Sequence[Source], settings: Settings) -> Tuning:
    """Tries each option alone against the plain model, then those that pay together; then sizes of batches.

    The rows are those of `sources`, repeated where they are few. Raises what loading and predicting raise, and
    InputRefused where no row of the sources can be predicted.
    """
    plain_card = _with(card, _plain(card))
    with _rows(plain_card, sources, settings) as (rows, scratch):
        many = _repeated(rows, card, _BATCHES * usual_batch_size(card))
        bench = _Bench(folder, rows, many, scratch, settings)
        plain = load_model(plain_card, folder)
        expected = bench.lines(plain)
        trials = [bench.tried(plain, expected, options) for options in _ways(plain_card, settings)]
        paying = [trial.options for trial in trials if trial.pays]
        together = _together(trials)
        if len(together) > 1 and together not in paying:
            trials.append(bench.tried(plain, expected, together))
        found = Tuning(rows.num_rows, bench.speed(plain), tuple(trials), 0, usual_batch_size(card))
        best = load_model(_with(plain_card, found.best), folder) if found.best else plain
        size, _ = find_batch_size(best, many, scratch, accelerator=settings.accelerator)
        return replace(found, batch_size=size)


class _Bench:
    """Models on the same rows, timed one against the other."""

    def __init__(self, folder: Path, rows: pa.Table, many: pa.Table, scratch: Path, settings: Settings) -> None:
        self._folder, self._rows, self._many, self._scratch = folder, rows, many, scratch
        self._accelerator = settings.accelerator

    def tried(self, plain: LoadedModel, expected: pl.DataFrame, options: Options) -> Trial:
        """The plain model and the one with the options, by turns: what else the machine does then hits both."""
        try:
            model = load_model(_with(plain.card, options), self._folder)
            difference = _difference(expected, self.lines(model), model)
            pairs = [(self.speed(plain), self.speed(model)) for _ in range(_ROUNDS)]
        except ForelightError as exc:
            return Trial(options, error=str(exc))
        slow, fast = (max(speeds) for speeds in zip(*pairs, strict=True))
        return Trial(options, fast / slow if slow else 0.0, difference)

    def speed(self, model: LoadedModel) -> float:
        size = usual_batch_size(model.card)
        return speed(model, self._many, size, self._scratch, accelerator=self._accelerator)[0] or 0.0

    def lines(self, model: LoadedModel) -> pl.DataFrame:
        predict_shard(model, self._rows, 1, self._scratch, accelerator=self._accelerator)
        lines = pl.read_parquet(self._scratch)
        self._scratch.unlink()
        return lines


def _plain(card: ModelCard) -> Options:
    """The options of the model as it was trained; in 64 bits where it needs them."""
    return {**PLAIN, "precision": card.precision if card.precision == "64-true" else "32-true"}


def _with(card: ModelCard, options: Options) -> ModelCard:
    return card.model_copy(update=dict(options))


def _ways(card: ModelCard, settings: Settings) -> Iterator[Options]:
    if card.image is not None:
        yield {"memory_format": "channels_last"}
    if card.precision == "32-true":
        for precision in _PRECISIONS.get(device_kind(settings.accelerator), ()):
            yield {"precision": precision}
    yield {"compile": True}


def _together(trials: Sequence[Trial]) -> dict[str, object]:
    """All options that pay alone; of several precisions the fastest."""
    paying = sorted((trial for trial in trials if trial.pays), key=lambda trial: trial.ratio)
    return {name: value for trial in paying for name, value in trial.options.items()}


@contextmanager
def _rows(card: ModelCard, sources: Sequence[Source], settings: Settings) -> Iterator[tuple[pa.Table, Path]]:
    """(the rows of the sources as a run has them, a file that may be written)."""
    with TemporaryDirectory(prefix="forelight-") as name:
        folder = Path(name)
        inputs = task_of(card).inputs
        report = inputs.ingest(sources, card, folder, settings, {}, lambda stage, done, total: None)
        if not report.n_good:
            told = "; ".join(problem.message for problem in report.problems[:3])
            raise InputRefused(f"No row of {', '.join(report.files)} can be predicted: {told}")
        yield RunFolder(folder).rows(), folder / "scratch.parquet"


def _repeated(rows: pa.Table, card: ModelCard, enough: int) -> pa.Table:
    """The rows again and again, until there are enough; no more than the memory should hold.

    Not where they are one series: it would only become longer.
    """
    if card.sequence is not None and len(rows.column(card.sequence.series).unique()) == 1:
        return rows
    most = max(1, _MOST_BYTES // max(1, rows.nbytes))
    times = min(most, -(-enough // rows.num_rows))
    return pa.concat_tables([rows] * times).combine_chunks() if times > 1 else rows


def _difference(expected: pl.DataFrame, found: pl.DataFrame, model: LoadedModel) -> Difference:
    classes, figures = 0, 0.0
    for field in model.task.outputs.schema(model.card, model.calling.kind):
        before, after = expected[field.name], found[field.name]
        if not _is_figure(field.type):
            classes += int(before.ne_missing(after).sum())
            continue
        old, new = (np.asarray(each.drop_nulls().to_list(), np.float64) for each in (before, after))
        if old.shape != new.shape:
            return Difference(len(before), float("inf"))
        if old.size:
            figures = max(figures, float(np.abs(old - new).max()) / (float(np.ptp(old)) or 1.0))
    return Difference(classes, figures)


def _is_figure(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_fixed_size_list(kind))
