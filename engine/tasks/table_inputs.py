"""Rows of a table → float32 (rows, features), in the card's order."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.cards.card import Column, ModelCard
from engine.cards.signature import Report, needed_columns
from engine.errors import CardError
from engine.ingest.table import Progress, ingest_table
from engine.readers import Source
from engine.settings import Settings
from engine.views import View

if TYPE_CHECKING:
    import torch


class TableInputs:
    """One row, one prediction."""

    has_steps = False
    grows = False

    def check_card(self, card: ModelCard) -> None:
        if not card.signature:
            raise CardError("key 'signature' is missing: name the columns the model takes, in its order")
        strings = [column.name for column in card.signature if column.type == "string"]
        if strings and not card.encode:
            raise CardError(
                f"signature: '{strings[0]}' is a string; a model is fed numbers, categories or booleans. Name "
                "a function that makes tensors of texts: encode: file:function"
            )

    def ingest(
        self,
        sources: Sequence[Source],
        card: ModelCard,
        folder: Path,
        settings: Settings,
        renames: Mapping[str, str],
        progress: Progress,
    ) -> Report:
        return ingest_table(sources, card, folder, settings, renames, progress)

    def batch_size(self) -> int:
        return 16_384

    def batches(self, rows: pa.Table, card: ModelCard, size: int) -> list[tuple[int, int]]:
        return [(start, min(start + size, rows.num_rows)) for start in range(0, rows.num_rows, size)]

    def encode(self, rows: pa.Table, card: ModelCard) -> torch.Tensor:
        return encode_columns(rows, card.signature)

    def columns_of(self, x: torch.Tensor, card: ModelCard) -> dict[str, torch.Tensor]:
        return {column.name: x[..., number] for number, column in enumerate(card.signature)}

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        return output

    def probe(self, card: ModelCard, items: int) -> torch.Tensor:
        return probe_columns(card.signature, items)

    def hidden_columns(self) -> tuple[str, ...]:
        return ()

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        return "csv", _csv({name: [_example(name, card)] for name in needed_columns(card)})

    def views(self, card: ModelCard) -> tuple[View, ...]:
        return ()

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        return (
            f"A table with {len(card.signature)} columns: CSV, Excel, Parquet, JSON or NumPy. One row, one prediction.",
        )


def encode_columns(rows: pa.Table, columns: Sequence[Column]) -> torch.Tensor:
    """float32 (rows, columns): numbers standardised by the card, categories as their place in it, booleans as 0, 1."""
    import torch

    x = np.empty((rows.num_rows, len(columns)), np.float32)
    for number, column in enumerate(columns):
        codes = _codes(rows.column(column.name), column)
        x[:, number] = (codes - column.mean) / column.std if column.is_standardised else codes
    return torch.from_numpy(x)


def probe_columns(columns: Sequence[Column], items: int, *, standardised: bool = True) -> torch.Tensor:
    """float32 (items, columns) of values that are valid by the card, different from row to row."""
    import torch

    share = (np.arange(items, dtype=np.float32)[:, None] * 0.37 + np.arange(len(columns)) * 0.61) % 1
    low_high = np.array([_bounds(column) for column in columns], np.float32)
    x = low_high[:, 0] + share * (low_high[:, 1] - low_high[:, 0])
    whole = np.array([column.type != "float" for column in columns])
    x = np.where(whole, np.floor(x), x)
    if standardised:
        x = (x - np.array([column.mean for column in columns])) / np.array([column.std for column in columns])
    return torch.from_numpy(x.astype(np.float32))


def _bounds(column: Column) -> tuple[float, float]:
    if column.type == "category":
        return 0, len(column.categories)
    around = (column.mean - column.std, column.mean + column.std)
    return (0, 2) if column.type == "boolean" else column.range or around


def _codes(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    if column.type == "category":
        values = pc.index_in(values, value_set=pa.array(column.categories, values.type))
    if column.type == "boolean":
        values = values.cast(pa.uint8())
    codes: np.ndarray = values.to_numpy()
    return codes


def _example(name: str, card: ModelCard) -> object:
    columns = {column.name: column for column in card.signature}
    if name not in columns:
        return 1
    column = columns[name]
    if column.example is not None:
        return column.example
    if column.categories:
        return column.categories[0]
    return (sum(column.range) / 2 if column.range else 0) if column.is_number else ""


def _csv(columns: Mapping[str, list[object]]) -> bytes:
    text = io.BytesIO()
    pl.DataFrame(columns, strict=False).write_csv(text)
    return text.getvalue()
