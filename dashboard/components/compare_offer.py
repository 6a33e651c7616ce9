"""From a run to its comparison: with another run, or, in one click, with another version of its model."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.failures import shown_failures
from dashboard.words import plain
from engine import Filter, ForelightError, GuardedEngine, ModelEntry, Run

_MOST_VERSIONS = 5
_ICON = ":material/compare_arrows:"


def offer_comparison(engine: GuardedEngine, run: Run, where: tuple[Filter, ...]) -> None:
    """The way to the Compare page, the filters going along; a menu where there are other versions to compare with."""
    query = [("a", run.id), *selection.as_query(where)]
    others = _other_versions(engine, run) if engine.is_mine(run) else []
    if not others:
        st.page_link("app_pages/compare.py", label="Compare", icon=_ICON, query_params=query)
        return
    with st.popover("Compare", icon=_ICON, type="tertiary", key="compare"):
        for entry in others:
            words = f"With version {plain(entry.version)}" + (" (default)" if entry.is_default else "")
            if st.button(words, icon=":material/history:", type="tertiary", key=f"compare-{entry.version}"):
                with shown_failures():
                    other = engine.by_version(run.id, entry.version)
                    both = [("a", run.id), ("b", other.id), *selection.as_query(where)]
                    st.switch_page("app_pages/compare.py", query_params=both)
        if st.button("With another run", icon=_ICON, type="tertiary", key="compare-other"):
            st.switch_page("app_pages/compare.py", query_params=query)


def _other_versions(engine: GuardedEngine, run: Run) -> list[ModelEntry]:
    """The other versions that can be used, the default first, then the newest."""
    try:
        names = [version.name for version in engine.model(run.model_id).versions if version.name != run.version]
        found = [engine.model(run.model_id, name) for name in reversed(names)]
    except ForelightError:
        return []  # the model is not here any more
    usable = [entry for entry in found if entry.card is not None]
    return sorted(usable, key=lambda entry: not entry.is_default)[:_MOST_VERSIONS]
