"""Boxes that were found in a picture: over it, in its legend, in a few words, and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.words import count
from engine import Boxes

_SAID = 3
_SIDES = ("x", "y", "width", "height")


def boxes_from(boxes: Sequence[Mapping[str, Any]] | None, least: float) -> list[Mapping[str, Any]]:
    """Those with at least that score; true boxes have none, and all stay."""
    return [box for box in boxes or () if box.get("score") is None or box["score"] >= least]


def outlines(boxes: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[dict[str, object]]:
    """The boxes for the component that draws them over their picture, each with its name."""
    return [
        {
            "place": labels.index(box["label"]) if box["label"] in labels else 0,
            "name": box["label"] if box.get("score") is None else f"{box['label']} {box['score']:.2f}",
            **{side: round(box[side], 2) for side in _SIDES},
        }
        for box in boxes
    ]


def box_legend(boxes: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[dict[str, object]]:
    """(class, how many there are) of each class that there is."""
    counts = Counter(box["label"] for box in boxes)
    return [
        {"place": place, "label": label, "figure": f"× {counts[label]:,}", "clear": False}
        for place, label in enumerate(labels)
        if counts[label]
    ]


def box_summary(line: Mapping[str, Any], predicted: Boxes) -> str:
    """What was found in a few words: how many of which classes, the most frequent first."""
    counts = {label: int(line[name] or 0) for label, name in zip(predicted.found, predicted.counts, strict=True)}
    most = sorted((label for label in counts if counts[label]), key=lambda label: -counts[label])
    if not most:
        return "nothing found"
    named = [f"{counts[label]:,}\u00a0×\u00a0{label}" for label in most[:_SAID]]  # no line ends within one
    return ", ".join(named) + (" …" if len(most) > _SAID else "")


def show_boxes_of_row(boxes: Sequence[Mapping[str, Any]]) -> None:
    """Each box of a picture, the surest first."""
    if not boxes:
        st.caption("No box was found, of whatever score.")
        return
    st.dataframe(
        pl.DataFrame(boxes),
        hide_index=True,
        height=min(320, 38 + 35 * len(boxes)),
        alt=f"{count(len(boxes), 'box', 'boxes')}: label, score, place and size in pixels",
        column_config={
            "score": st.column_config.ProgressColumn("score", min_value=0.0, max_value=1.0, format="%.2f"),
            **{side: st.column_config.NumberColumn(f"{side} (px)", format="%.1f") for side in _SIDES},
        },
    )


def with_named_boxes(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines, boxes in their cells as «label score»."""
    boxes = [name for name, dtype in lines.schema.items() if dtype.is_nested() and _are_boxes(dtype)]
    return lines.with_columns(pl.col(name).list.eval(_named(lines.schema[name])) for name in boxes)


def _are_boxes(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)


def _named(dtype: pl.DataType) -> pl.Expr:
    label, scored = pl.element().struct.field("label"), "score" in str(dtype)
    if not scored:
        return label
    return pl.concat_str(label, pl.element().struct.field("score").round(2).cast(pl.String), separator=" ")
