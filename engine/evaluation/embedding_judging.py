"""What takes long about embeddings: principal components, the rows most alike, labels of neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import torch
from torchmetrics import MeanMetric

from engine.evaluation.embeddings import Alike, EmbeddingEvaluation, EmbeddingFigures, Projection
from engine.evaluation.labels import batches
from engine.results.filters import Filters
from engine.results.results import Results
from engine.tasks import task_of

_MOST_POINTS = 4_000
_MOST_ALIKE = 12
_MOST_JUDGED = 5_000
_NEAR = 5


def projected(results: Results, where: Filters = ()) -> Projection | None:
    """Principal components by the covariance of all lines, batch by batch; None where there are not two lines."""
    count, total, products = 0, np.zeros(()), np.zeros(())
    for _, vectors in _vectors(results, where):
        count, total, products = count + len(vectors), total + vectors.sum(0), products + vectors.T @ vectors
    if count < 2:
        return None
    mean = total / count
    variances, directions = np.linalg.eigh(products / count - np.outer(mean, mean))
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), range(2)])  # the same way round every time
    every, parts, seen = -(-count // _MOST_POINTS), [], 0
    for rows, vectors in _vectors(results, where):
        chosen = np.arange(-seen % every, len(vectors), every)
        seen += len(vectors)
        x, y = ((vectors[chosen] - mean) @ axes).T
        parts.append(pl.DataFrame({"row": rows[chosen], "x": x, "y": y}))
    shares = np.maximum(variances[::-1][:2], 0) / (max(float(np.maximum(variances, 0).sum()), 1e-12))
    return Projection(count, float(shares[0]), float(shares[1]), pl.concat(parts))


def most_alike(results: Results, where: Filters = (), *, row: str) -> Alike | None:
    """The rows whose embeddings point most nearly the same way; None where `row` has none."""
    own = [vectors for rows, vectors in _vectors(results, where) for vectors in vectors[rows == int(row)]]
    if not own:
        return None
    wanted, count, best = _unit(own[0][None])[0], 0, pl.DataFrame(schema={"row": pl.Int64, "similarity": pl.Float64})
    for rows, vectors in _vectors(results, where):
        near = pl.DataFrame({"row": rows, "similarity": _unit(vectors) @ wanted}).filter(pl.col("row") != int(row))
        count += len(vectors)
        best = pl.concat([best, near]).sort("similarity", "row", descending=[True, False]).head(_MOST_ALIKE)
    return Alike(count - 1, best)


def embedding_figures(evaluation: EmbeddingEvaluation, where: Filters = ()) -> EmbeddingFigures | None:
    """How often the nearest other rows have a row's label; None where not two lines can be judged."""
    used = evaluation.used(where)
    if used.rows < 2:
        return None
    column, label = evaluation.predicted.column, pl.col(evaluation.label).cast(pl.String).alias("label")
    filled = pl.col("label").is_not_null() & (pl.col("label") != "")
    lines = evaluation.results.scan(where).filter(pl.col(column).is_not_null()).select(label, column).filter(filled)
    table = lines.gather_every(-(-used.rows // _MOST_JUDGED)).collect(engine="streaming")
    names = table["label"].unique().sort()
    places = torch.from_numpy(table["label"].rank("dense").to_numpy().astype(np.int64)) - 1
    same = _same(torch.from_numpy(_unit(_array(table[column])).astype(np.float32)), places)
    nearest, five = MeanMetric(), MeanMetric()
    nearest.update(same[:, 0])
    five.update(same)
    counts = torch.bincount(places, minlength=len(names)).double()
    chance = float((counts * (counts - 1)).sum() / (len(places) * (len(places) - 1)))
    per_label = pl.DataFrame({"label": table["label"], "nearest": same[:, 0].double().numpy()})
    shown = per_label.group_by("label").agg(pl.len().alias("rows"), pl.col("nearest").mean()).sort("label")
    return EmbeddingFigures(used, len(places), float(nearest.compute()), float(five.compute()), chance, shown)


def _same(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """float (rows, up to 5): whether each of the nearest other rows has the row's label, the nearest first."""
    near, parts = min(_NEAR, len(vectors) - 1), []
    for start in range(0, len(vectors), 1_000):
        likeness = vectors[start : start + 1_000] @ vectors.T
        likeness[range(len(likeness)), range(start, start + len(likeness))] = -2
        found = likeness.topk(near, dim=1).indices
        parts.append((labels[found] == labels[start : start + len(likeness), None]).float())
    return torch.cat(parts)


def _vectors(results: Results, where: Filters) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows, float64 (rows, dimensions)) of the lines with an embedding, some thousands at a time."""
    predicted = task_of(results.card).outputs.predicted(results.card, ())
    column = predicted.column  # type: ignore[union-attr]
    lines = results.scan(where).filter(pl.col(column).is_not_null()).select("row", column)
    for batch in batches(lines, results.card.dimensions or 1):
        if batch.height:
            yield batch["row"].to_numpy(), _array(batch[column])


def _array(column: pl.Series) -> np.ndarray:
    vectors: np.ndarray = column.to_numpy().astype(np.float64)
    return vectors


def _unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled
