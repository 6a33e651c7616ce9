"""What a host should doubt of a model before visitors meet it; found by running it on its own samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from torch import nn

from engine.cards.card import Column, ModelCard
from engine.cards.signature import Report
from engine.checkpoints.warm import LoadedModel
from engine.ingest.table import FAULT, ROW
from engine.kinds.predicted import Boxes, Classes, LabelSets, Masks
from engine.own_code.refused_rows import REFUSED
from engine.prediction.predictor import predict_shard
from engine.readers import Source
from engine.runs.folder import RunFolder
from engine.settings import Settings

_MOST_ROWS = 1_000
_CLOSE = 1e-4
_ENOUGH_ROWS = 20
_FEW_ROWS = 50
_MOST_COLUMNS = 50


@dataclass(frozen=True, slots=True)
class Doubt:
    """One sentence. An "error" keeps visitors from good predictions; a "warning" may; a "note" is care left out."""

    severity: Literal["error", "warning", "note"]
    message: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One sample as a visitor would see it: the report, and the lines of at most 1,000 rows."""

    title: str
    report: Report
    lines: pl.DataFrame
    doubts: tuple[Doubt, ...]


def doubts_of(model: LoadedModel) -> tuple[Doubt, ...]:
    """What card and module show without any input."""
    card = model.card
    return (*_of_module(model.module, card), *_of_card(card))


def rehearse(model: LoadedModel, title: str, sources: Sequence[Source], settings: Settings) -> Rehearsal:
    """Predicts a sample as a run would. Raises ReadError and PredictionFailed as that does."""
    with TemporaryDirectory(prefix="forelight-") as name:
        folder = Path(name)
        report = model.task.inputs.ingest(sources, model.card, folder, settings, {}, lambda stage, done, total: None)
        if report.fatal:
            told = "; ".join(problem.message for problem in report.problems if problem.severity == "fatal")
            return Rehearsal(title, report, pl.DataFrame(), (Doubt("warning", f"Sample '{title}': {told}"),))
        rows = RunFolder(folder).rows(0, _MOST_ROWS)
        lines = _lines(model, rows, folder / "first.parquet", settings)
        doubts: list[Doubt] = []
        if report.n_good:
            columns = [field.name for field in model.task.outputs.schema(model.card, model.calling.kind)]
            doubts += _of_lines(title, lines, columns, model)
            doubts += _of_repeats(title, lines, columns, model, rows, folder, settings)
            doubts += _of_columns(title, columns, model, rows, folder, settings)
        ordered = lines.sort("row") if ROW in rows.column_names else lines
        return Rehearsal(title, report, ordered, tuple(doubts))


def _of_module(module: nn.Module, card: ModelCard) -> Iterator[Doubt]:
    training = [name or type(module).__name__ for name, part in module.named_modules() if part.training]
    if training:
        yield Doubt(
            "error",
            f"'{training[0]}' stays in train mode after eval(): dropout and batch statistics would change predictions. "
            "Look for a train() of its own.",
        )
    widths = [part.in_features for part in module.modules() if isinstance(part, nn.Linear)]
    if card.signature and not card.sequence and widths and len(card.signature) > max(widths):
        yield Doubt(
            "warning",
            f"The signature has {len(card.signature)} columns, and the widest layer takes {max(widths)}: some of them "
            "may never reach the model.",
        )


def _of_card(card: ModelCard) -> Iterator[Doubt]:
    if not card.samples:
        yield Doubt("warning", "There is no sample: nothing was tried, and visitors have nothing to try.")
    if not card.sha256:
        yield Doubt("note", "The card names no sha256: a checkpoint that is exchanged would not be noticed.")
    if not card.description:
        yield Doubt("note", "The card has no description: visitors do not learn what the model is for.")
    if not card.figures:
        yield Doubt("note", "The card has no figures: visitors do not learn how good the model is.")
    numbers = [(each.name, each.unit) for each in card.signature if each.is_number]
    bare = [name for name, unit in (*numbers, *((each.name, each.unit) for each in card.outputs)) if not unit]
    if bare:
        names = ", ".join(f"'{name}'" for name in bare[:5]) + (" …" if len(bare) > 5 else "")
        yield Doubt("note", f"These have no unit: {names}.")
    if card.labels and all(label.lstrip("-").isdigit() for label in card.labels):
        yield Doubt("note", f"The labels are numbers ({', '.join(card.labels[:4])} …): name them for people.")


def _of_lines(title: str, lines: pl.DataFrame, columns: Sequence[str], model: LoadedModel) -> Iterator[Doubt]:
    good = lines.filter(pl.col("error").is_null())
    numbers = [name for name in columns if good[name].dtype.is_numeric()]
    broken = lines.filter(pl.col("error").str.contains("not a finite number"))
    if len(broken):
        first = broken["row"][0]
        yield Doubt("error", f"Sample '{title}': {len(broken)} rows give NaN or infinity, the first is row {first}.")
    refused = lines.filter(pl.col("error").str.contains(REFUSED, literal=True))
    if len(refused):
        yield Doubt("warning", f"Sample '{title}': row {refused['row'][0]} is not predicted: {refused['error'][0]}.")
    if len(good) >= 3:
        same = [name for name in columns if len(set(map(str, good[name].to_list()))) == 1]
        if same == list(columns):
            yield Doubt("warning", f"Sample '{title}': all {len(good)} rows get the same prediction.")
    predicted = model.task.outputs.predicted(model.card, columns)
    if isinstance(predicted, Masks):
        yield from _of_masks(title, good, predicted)
    if isinstance(predicted, Boxes):
        yield from _of_boxes(title, good, predicted)
    if isinstance(predicted, Classes):
        if predicted.shares and set(predicted.shares) <= set(numbers):
            off = (good.select(pl.sum_horizontal(predicted.shares)).to_series() - 1).abs().max()
            if isinstance(off, float) and off > 1e-3:
                yield Doubt("error", f"Sample '{title}': probabilities sum to one but for {off:.3g}.")
        yield from _of_labels(title, good, predicted, model.card)
    if isinstance(predicted, LabelSets) and len(good) >= _ENOUGH_ROWS and len(predicted.labels) > 1:
        sums = good.select(pl.sum_horizontal(predicted.shares)).to_series()
        if bool(((sums - 1).abs() < 1e-3).all()):
            yield Doubt(
                "warning",
                f"Sample '{title}': the probabilities of every row sum to one, as those of a model that chooses one "
                "class. Does it give logits (output_kind), or is its task another one?",
            )


def _of_masks(title: str, good: pl.DataFrame, predicted: Masks) -> Iterator[Doubt]:
    """Classes that no pixel of any picture has: fine in a small sample, and often the sign of a wrong order."""
    covered = good.select(pl.col(predicted.shares).max()).row(0) if len(good) else ()
    never = [label for label, share in zip(predicted.labels, covered, strict=False) if not share]
    if never:
        named = ", ".join(f"'{label}'" for label in never[:5]) + (" …" if len(never) > 5 else "")
        yield Doubt("warning", f"Sample '{title}': no pixel of {len(good)} pictures is taken for {named}.")


def _of_boxes(title: str, good: pl.DataFrame, predicted: Boxes) -> Iterator[Doubt]:
    """No box at all: its score is under the threshold, or its corners are read in another form than the model's."""
    if len(good) and not good[predicted.total].sum():
        kept = int(good[predicted.column].list.len().sum())
        scored = f"{kept} have a lower one" if kept else "none has a lower one either"
        yield Doubt(
            "warning",
            f"Sample '{title}': no box in {len(good)} pictures has a score of {predicted.threshold:g} or more, "
            f"{scored}. Do `boxes` in the card say what its four figures are, and where it counts from?",
        )


def _of_labels(title: str, good: pl.DataFrame, predicted: Classes, card: ModelCard) -> Iterator[Doubt]:
    """Whether the predictions fit the sample's own labels; as good as none where the labels' order is wrong."""
    if not card.target or card.target not in good.columns:
        return
    known = good.filter(pl.col(card.target).cast(pl.String).is_in(predicted.labels))
    if len(known) < len(good):
        strange = good.filter(~pl.col(card.target).cast(pl.String).is_in(predicted.labels))[card.target][0]
        yield Doubt("warning", f"Sample '{title}': '{card.target}' holds '{strange}', which is none of the labels.")
    if len(known) >= _ENOUGH_ROWS:
        truth = known[card.target].cast(pl.String)
        right = float((truth == known[predicted.column]).mean() or 0)  # type: ignore[arg-type]
        usual = float(truth.value_counts()["count"].max() or 0) / len(known)  # type: ignore[arg-type]
        if right < usual:
            yield Doubt(
                "warning",
                f"Sample '{title}': {right:.0%} of the rows are predicted as labelled; always saying the most frequent "
                f"class would be right for {usual:.0%}. Is the order of the labels that of the model's outputs?",
            )


def _of_repeats(
    title: str,
    lines: pl.DataFrame,
    columns: Sequence[str],
    model: LoadedModel,
    rows: pa.Table,
    folder: Path,
    settings: Settings,
) -> Iterator[Doubt]:
    """Whether the same rows give the same again, and one item alone what it gives among others."""
    again = _lines(model, rows, folder / "again.parquet", settings)
    if not lines.select(columns).equals(again.select(columns)):
        yield Doubt("error", f"Sample '{title}': predicted twice, the rows get different figures.")
    numbers = [name for name in columns if lines[name].dtype.is_numeric()]
    spans = model.task.inputs.batches(rows, model.card, 1)
    good = [span for span in spans if FAULT not in rows.column_names or not _faulty(rows, span)]
    if len(good) < 2 or not numbers:
        return
    start, stop = good[len(good) // 2]
    alone = _lines(model, rows.slice(start, stop - start), folder / "alone.parquet", settings)
    among = lines.slice(start, stop - start)
    for name in numbers:
        off = (alone[name].cast(pl.Float64) - among[name].cast(pl.Float64)).abs().max()
        size = among[name].cast(pl.Float64).abs().max()
        if isinstance(off, float) and isinstance(size, float) and off > _CLOSE * max(1.0, size):
            yield Doubt(
                "warning",
                f"Sample '{title}': row {among['row'][0]} alone has another {name} than among others (by {off:.3g}): "
                "predictions depend on the rows beside them.",
            )
            return


def _of_columns(
    title: str, columns: Sequence[str], model: LoadedModel, rows: pa.Table, folder: Path, settings: Settings
) -> Iterator[Doubt]:
    """Whether each column of the signature has a part in the predictions: a narrower first layer sees fewer."""
    signature = model.card.signature[:_MOST_COLUMNS]
    if model.task.inputs.has_steps or model.card.image is not None:
        return
    good = rows.filter(pc.is_null(rows.column(FAULT))) if FAULT in rows.column_names else rows
    good = good.slice(0, _FEW_ROWS).combine_chunks()
    before = _lines(model, good, folder / "before.parquet", settings).select(columns)
    idle = []
    for column in signature:
        other = _others(good.column(column.name), column)
        if other is None:
            continue
        changed = good.set_column(good.column_names.index(column.name), column.name, other)
        if _lines(model, changed, folder / "changed.parquet", settings).select(columns).equals(before):
            idle.append(f"'{column.name}'")
    if idle:
        listed = ", ".join(idle[:5]) + (" …" if len(idle) > 5 else "")
        yield Doubt(
            "warning",
            f"Sample '{title}': other values of {listed} change no prediction. Does the first layer take fewer than "
            f"the {len(model.card.signature)} columns of the signature, or in another order?",
        )


def _others(values: pa.ChunkedArray, column: Column) -> pa.Array | None:
    """Other valid values: those of the row before, or another one where all rows have the same; None where none is."""
    moved = values.take(pa.array(np.roll(np.arange(len(values)), 1)))
    if not moved.equals(values):
        return moved
    only = values[0].as_py()
    if column.type == "category":
        rest = [each for each in column.categories if each != only]
        return pa.array([rest[0]] * len(values), values.type) if rest else None
    if column.type == "boolean":
        return pa.array([not only] * len(values), values.type)
    return pa.array([only + 1] * len(values), values.type) if column.is_number else None


def _faulty(rows: pa.Table, span: tuple[int, int]) -> bool:
    part = rows.column(FAULT).slice(span[0], span[1] - span[0])
    return bool(part.null_count < len(part))


def _lines(model: LoadedModel, rows: pa.Table, path: Path, settings: Settings) -> pl.DataFrame:
    """The lines in the order of the input."""
    predict_shard(model, rows, 1, path, accelerator=settings.accelerator)
    return pl.read_parquet(path)
