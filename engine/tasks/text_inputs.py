"""Texts, a row each → whatever the card's `encode` makes of them."""

from __future__ import annotations

from engine.cards.card import ModelCard
from engine.errors import CardError
from engine.tasks.table_inputs import TableInputs
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


def texts_of(card: ModelCard) -> tuple[str, ...]:
    """The columns of the signature that hold texts."""
    return tuple(column.name for column in card.signature if column.type == "string")
