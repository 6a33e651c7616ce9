"""The figures of boxes, by COCO's own code (pycocotools). It computes for long: for workers alone."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from engine.evaluation.boxes import BoxEvaluation, BoxFigures, BoxRows
from engine.kinds.boxes import SIDES
from engine.results.filters import Filters

if TYPE_CHECKING:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

_AT_50, _AT_75 = 0, 5  # places among COCO's IoU thresholds
_MOST_FOUND = 100  # boxes of one class in one picture that COCO looks at, the surest
_SCORES = tuple(step / 20 for step in range(1, 20))
_PER_CLASS = {"ap": pl.Float64, "ap_50": pl.Float64}  # where no class has one, nothing else says what they are


def box_figures(evaluation: BoxEvaluation, where: Filters = ()) -> BoxFigures | None:
    """All figures of boxes; None where not one picture can be judged."""
    used = evaluation.used(where)
    if not used.rows:
        return None
    judged = _judged(evaluation, where)
    boxes, precisions, threshold = _matched(judged), _precisions(judged), evaluation.predicted.threshold
    scores = [score for score in _SCORES if score >= evaluation.predicted.lowest]
    return BoxFigures(
        used,
        _mean(precisions),
        _mean(precisions[_AT_50]),
        _mean(precisions[_AT_75]),
        *_shares(boxes, threshold),
        tuple((score, *_shares(boxes, score)) for score in scores),
        _per_class(evaluation.labels, boxes, threshold, precisions),
    )


def box_rows(evaluation: BoxEvaluation, where: Filters = ()) -> BoxRows | None:
    """How right each picture is at the card's threshold; None where none can be judged."""
    if not evaluation.used(where).rows:
        return None
    boxes = _matched(_judged(evaluation, where))
    sure = boxes.found.filter(pl.col("score") >= evaluation.predicted.threshold)
    counts = sure.group_by("row").agg(
        pl.col("right").sum().cast(pl.Int64), (~pl.col("right")).sum().cast(pl.Int64).alias("wrong")
    )
    true = pl.DataFrame(list(boxes.true_of_row.items()), {"row": pl.Int64, "true": pl.Int64}, orient="row")
    lines = true.join(counts, on="row", how="left").with_columns(pl.col("right", "wrong").fill_null(0))
    lines = lines.select("row", "right", (pl.col("true") - pl.col("right")).alias("missed"), "wrong")
    worst = pl.col("missed") + pl.col("wrong")
    return BoxRows(len(lines), lines.sort(worst, "row", descending=[True, False]))


class _Boxes(NamedTuple):
    """All boxes that count, by COCO's matching at an IoU of 0.5.

    `found` has row, label (its place), score, right; `true` is how many there are of each label, by its place.
    """

    found: pl.DataFrame
    true: np.ndarray
    true_of_row: Mapping[int, int]


def _judged(evaluation: BoxEvaluation, where: Filters) -> COCOeval:
    """COCO's evaluation of the selection, every size of box together."""
    from pycocotools.cocoeval import COCOeval

    places = {label: place for place, label in enumerate(evaluation.labels)}
    rows: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    true: list[dict[str, Any]] = []
    for row, predicted, known in evaluation.pairs(where):
        rows.append({"id": row})
        for boxes, into in ((predicted, found), (known, true)):
            numbered = enumerate(boxes, start=len(into) + 1)
            into += [_annotation(box, row, places[box["label"]], number) for number, box in numbered]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints how far it is
        judged = COCOeval(*(_coco(rows, places, boxes) for boxes in (true, found)), "bbox")
        judged.params.areaRng, judged.params.areaRngLbl = judged.params.areaRng[:1], judged.params.areaRngLbl[:1]
        judged.params.maxDets = [_MOST_FOUND]
        judged.evaluate()
        judged.accumulate()
    return judged


def _annotation(box: Mapping[str, Any], row: int, place: int, number: int) -> dict[str, Any]:
    sides = [box[side] for side in SIDES]
    score = {"score": box["score"]} if "score" in box else {}
    about = {"id": number, "image_id": row, "category_id": place, "iscrowd": 0}
    return {**about, "bbox": sides, "area": sides[2] * sides[3], **score}


def _coco(rows: Sequence[Mapping[str, Any]], places: Mapping[str, int], boxes: Sequence[Mapping[str, Any]]) -> COCO:
    from pycocotools.coco import COCO

    coco = COCO()
    kinds = [{"id": place, "name": label} for label, place in places.items()]
    coco.dataset = {"info": {}, "images": rows, "categories": kinds, "annotations": boxes}
    coco.createIndex()
    return coco


def _matched(judged: COCOeval) -> _Boxes:
    columns: dict[str, list[Any]] = {"row": [], "label": [], "score": [], "right": []}
    true: Counter[int] = Counter()
    of_row: dict[int, int] = dict.fromkeys(map(int, judged.params.imgIds), 0)
    for each in judged.evalImgs:
        if each is None:  # neither true nor found
            continue
        row, label, found = int(each["image_id"]), int(each["category_id"]), len(each["dtIds"])
        true[label] += len(each["gtIds"])
        of_row[row] += len(each["gtIds"])
        columns["row"] += [row] * found
        columns["label"] += [label] * found
        columns["score"] += each["dtScores"]
        columns["right"] += (each["dtMatches"][_AT_50] > 0).tolist()
    schema = {"row": pl.Int64, "label": pl.Int64, "score": pl.Float64, "right": pl.Boolean}
    counts = np.array([true[int(label)] for label in judged.params.catIds])
    return _Boxes(pl.DataFrame(columns, schema), counts, of_row)


def _precisions(judged: COCOeval) -> np.ndarray:
    """Precision by (IoU, recall, label), NaN for a label that no picture has."""
    precisions: np.ndarray = judged.eval["precision"][:, :, :, 0, 0]
    return np.where(precisions < 0, np.nan, precisions)


def _mean(precisions: np.ndarray) -> float | None:
    return None if np.isnan(precisions).all() else float(np.nanmean(precisions))


def _at_score(boxes: _Boxes, score: float) -> tuple[np.ndarray, np.ndarray]:
    """(how many boxes have at least that score, how many of them are right), by label."""
    sure = boxes.found.filter(pl.col("score") >= score)
    n = len(boxes.true)
    right = sure.filter("right")["label"].to_numpy()
    return np.bincount(sure["label"].to_numpy(), minlength=n), np.bincount(right, minlength=n)


def _shares(boxes: _Boxes, score: float) -> tuple[float | None, float | None]:
    """(precision, recall) of all boxes from that score on."""
    found, right = (int(each.sum()) for each in _at_score(boxes, score))
    true = int(boxes.true.sum())
    return right / found if found else None, right / true if true else None


def _per_class(labels: Sequence[str], boxes: _Boxes, score: float, precisions: np.ndarray) -> pl.DataFrame:
    found, right = _at_score(boxes, score)
    aps = [_mean(precisions[:, :, place]) for place in range(len(labels))]
    aps_50 = [_mean(precisions[_AT_50, :, place]) for place in range(len(labels))]
    counts = {"boxes": boxes.true, "found": found, "right": right}
    frame = pl.DataFrame({"label": labels, **counts, "ap": aps, "ap_50": aps_50}, schema_overrides=_PER_CLASS)
    shares = {"precision": "found", "recall": "boxes"}
    return frame.with_columns(
        pl.when(pl.col(of) > 0).then(pl.col("right") / pl.col(of)).alias(name) for name, of in shares.items()
    )
