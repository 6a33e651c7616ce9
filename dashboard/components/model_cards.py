"""The models as cards of which one is chosen: by mouse, by arrow keys, by `?model=` in the address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.words import number
from engine import ModelCard, ModelEntry, task_of

_FILES = Path(__file__).parent / "model_cards"
_cards = st.components.v2.component(
    "forelight_model_cards",
    html='<fieldset role="radiogroup"><legend></legend></fieldset>',
    css=(_FILES / "cards.css").read_text(encoding="utf-8"),
    js=(_FILES / "cards.js").read_text(encoding="utf-8"),
)


def choose_model(entries: Sequence[ModelEntry], key: str) -> ModelEntry | None:
    """The usable model the visitor chose, the first at the beginning; None where there is none. Also sets `?model=`."""
    usable = {entry.id: entry for entry in entries if entry.card is not None}
    if not usable:
        return None
    chosen = _chosen(list(usable), key)
    cards = [_content(entry.id, entry.usable_card()) for entry in usable.values()]
    _cards(
        key=key,
        data={"cards": cards, "chosen": chosen, "label": "Models"},
        default={"chosen": chosen},
        on_chosen_change=lambda: None,
    )
    st.query_params["model"] = st.session_state["model"] = chosen
    return usable[chosen]


def _chosen(known: Sequence[str], key: str) -> str:
    """What was clicked here, else what the address says, else what another page showed, else the first."""
    clicked: Any = st.session_state.get(key) or {}
    for candidate in (clicked.get("chosen"), st.query_params.get("model"), st.session_state.get("model")):
        if candidate in known:
            return str(candidate)
    return known[0]


def _first_sentence(text: str) -> str:
    return text.strip().replace("\n", " ").split(". ")[0].removesuffix(".") + "." if text.strip() else ""


def _content(model_id: str, card: ModelCard) -> dict[str, str]:
    """What a card shows; text only, the component never reads it as HTML."""
    first = card.figures[0] if card.figures else None
    return {
        "id": model_id,
        "title": card.title,
        "task": task_of(card).title,
        "figure": f"{number(first.value, 3)} {first.unit}".strip() if first else "",
        "measure": first.name if first else "",
        "line": _first_sentence(card.description),
    }
