"""Rows unlike those the model was trained on: predicted as all others, and said to be."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.cards.card import Column, ModelCard
from engine.cards.signature import Problem


def beyond_training(path: Path, card: ModelCard) -> tuple[Problem, ...]:
    """A note for each column in which rows of the typed `path` lie outside of what the card says was trained on."""
    columns = [column for column in card.signature if column.trained]
    if not columns:
        return ()
    counts = [_outside(column).sum().alias(column.name) for column in columns]
    found = pl.scan_ipc(path).select(counts).collect().row(0)
    return tuple(_note(column, count) for column, count in zip(columns, found, strict=True) if count)


def _outside(column: Column) -> pl.Expr:
    low, high = column.trained[0], column.trained[-1]  # type: ignore[index]
    return (pl.col(column.name) < low) | (pl.col(column.name) > high)


def _note(column: Column, count: int) -> Problem:
    low, high = column.trained[0], column.trained[-1]  # type: ignore[index]
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    message = (
        f"Column '{column.name}': {rows} outside of {low:g} to {high:g}, which the model was trained on. "
        "They are predicted; trust them less."
    )
    return Problem("note", "beyond-training", message, "", column.name, rows=count, expected=f"{low:g} to {high:g}")
