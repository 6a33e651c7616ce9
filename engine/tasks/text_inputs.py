"""Texts, a row each → whatever the card's `encode` makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from engine.cards.card import ModelCard
from engine.errors import CardError
from engine.kinds.left_out import Part
from engine.tasks.table_inputs import TableInputs
from engine.tasks.text_parts import passages, texts_in, without_passage
from engine.views import Texts, View


class TextInputs(TableInputs):
    """One text, one prediction; other columns may stand beside it."""

    def check_card(self, card: ModelCard) -> None:
        super().check_card(card)
        if not texts_of(card):
            raise CardError("signature: a column of texts is missing: {name: text, type: string}")

    def batch_size(self) -> int:
        return 1_024

    def views(self, card: ModelCard) -> tuple[View, ...]:
        return (Texts(texts_of(card)[0], card.labels),)

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        text = texts_of(card)[0]
        others = [column.name for column in card.signature if column.name != text]
        beside = f", beside it {', '.join(others)}" if others else ""
        return (f"A table with a text a row in the column '{text}'{beside}: CSV, Excel, Parquet or JSON.",)

    def parts(self, line: Mapping[str, object], card: ModelCard) -> tuple[Part, ...]:
        return passages(texts_in(line, texts_of(card)))

    def without(self, row: pa.Table, part: Part, card: ModelCard) -> pa.Table:
        return without_passage(row, part)


def texts_of(card: ModelCard) -> tuple[str, ...]:
    """The columns of the signature that hold texts."""
    return tuple(column.name for column in card.signature if column.type == "string")
