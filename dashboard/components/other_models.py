"""The models that take what the chosen one does not."""

from __future__ import annotations

import streamlit as st

from dashboard.components.upload import Files
from dashboard.words import plain
from engine import GuardedEngine, ModelEntry, takes

_MOST = 4


def offer_other_models(engine: GuardedEngine, entry: ModelEntry, upload: Files) -> None:
    """The way to models that take such files; nothing where this one takes one of them, or no other does."""
    names = [source.name for source in upload.sources]
    if _takes_some(entry, names):
        return
    others = [each for each in engine.models() if _takes_some(each, names)][:_MOST]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("Models that take such files:", width="content")
        for each in others:
            st.page_link(
                "app_pages/predict.py",
                label=plain(each.usable_card().title),
                icon=":material/deployed_code:",
                query_params={"model": each.id},
            )


def _takes_some(entry: ModelEntry, names: list[str]) -> bool:
    return entry.card is not None and any(takes(entry.card, name) for name in names)
