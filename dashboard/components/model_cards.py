"""The models as cards of which one is chosen: by mouse, by arrow keys, by `?model=` in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.glossary import meaning
from dashboard.words import count, number, plain
from engine import ModelCard, ModelEntry, task_of

_FILES = Path(__file__).parent / "model_cards"
_cards = st.components.v2.component(
    "forelight_model_cards",
    html=(_FILES / "cards.html").read_text(encoding="utf-8"),
    css=(_FILES / "cards.css").read_text(encoding="utf-8"),
    js=(_FILES / "cards.js").read_text(encoding="utf-8"),
)
_MANY = 8  # cards beyond which a visitor would rather search


def choose_model(
    entries: Sequence[ModelEntry],
    key: str,
    *,
    decided: Callable[[ModelEntry], bool] = lambda _: False,
    brief: bool = True,
) -> ModelEntry | None:
    """The usable model the visitor chose, the first at the beginning; None where there is none. Also sets `?model=`.

    Once it is `decided`, one line says which it is: what comes next is then on the screen, not below all the cards.
    Many cards are `brief`, without a figure: what is asked next is then on the screen too.
    """
    usable = {entry.id: entry for entry in entries if entry.card is not None}
    if not usable:
        return None
    chosen, again = _chosen(list(usable), key), f"{key}-again"
    if len(usable) > 1 and decided(usable[chosen]) and st.session_state.get(again) != chosen:
        _say(usable[chosen], again)
    else:
        cards = [_content(entry.id, entry.usable_card()) for entry in usable.values()]
        search = f"Search {count(len(cards), 'model')}" if len(cards) > _MANY else ""
        _cards(
            key=key,
            data={
                "cards": cards,
                "chosen": chosen,
                "label": "Models",
                "search": search,
                "many": len(cards) > _MANY,
                "brief": brief and len(cards) > _MANY,
            },
            default={"chosen": chosen},
            on_chosen_change=lambda: None,
        )
    st.query_params["model"] = st.session_state["model"] = chosen
    return usable[chosen]


def turn_to(entry: ModelEntry, key: str) -> None:
    """Chooses that model for the visitor; for a callback, as the page then begins with it."""
    st.session_state.pop(key, None)
    st.query_params["model"] = entry.id


def introduce(entry: ModelEntry) -> None:
    """What the model does, whole, and the way to all that is known of it; a card has room for the beginning only."""
    card = entry.usable_card()
    with st.container(gap=None):
        st.markdown(f"**{plain(card.title)}.** {plain(card.description, most=4_000)}")
        st.page_link(
            "app_pages/models.py",
            label="What it needs and how good it is",
            icon=":material/info:",
            query_params={"model": entry.id},
        )


def _say(entry: ModelEntry, again: str) -> None:
    """The chosen model in one line, and the way to another one."""
    card = entry.usable_card()
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f":material/deployed_code: **{plain(card.title)}** :small[:gray[{task_of(card).title}]]", width="content"
        )
        if st.button("Choose another model", icon=":material/swap_horiz:", type="tertiary", key=f"{again}-button"):
            st.session_state[again] = entry.id
            st.rerun()


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
        "meaning": meaning(first.name) if first else "",
        "line": _first_sentence(card.description),
    }
