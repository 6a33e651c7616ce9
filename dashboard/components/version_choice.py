"""Which version of a model predicts: the default, unless a visitor chooses another one, off the main way."""

from __future__ import annotations

import streamlit as st

from dashboard.words import day, number, plain
from engine import GuardedEngine, ModelEntry, Version

_PARAMETER = "version"
_MODEL = "version-of"


def choose_version(engine: GuardedEngine, entry: ModelEntry) -> ModelEntry:
    """The model in the version the visitor wants, the default at first; asks only where there are several."""
    usable = [version for version in entry.versions if engine.model(entry.id, version.name).card is not None]
    if len(usable) < 2:
        return entry
    names = [version.name for version in usable]
    key = _key(entry)
    if st.session_state.get(_MODEL, entry.id) != entry.id:
        st.query_params.pop(_PARAMETER, None)  # it was of the model before
    st.session_state[_MODEL] = entry.id
    asked = st.session_state.get(key, st.query_params.get(_PARAMETER, ""))
    chosen = asked if asked in names else entry.default
    words = {version.name: _line(version, entry) for version in usable}
    with st.popover(
        f"Version {plain(chosen)}" + (" (default)" if chosen == entry.default else ""),
        icon=":material/history:",
        type="tertiary",
        key=f"versions-of-{entry.id}",
        help="Advanced: predict with another version of this model.",
    ):
        st.radio(
            "Version",
            names,
            index=names.index(chosen),
            format_func=lambda name: f"{plain(name)}{' (default)' if name == entry.default else ''}",
            captions=[words[name] for name in names],
            key=key,
        )
    if chosen == entry.default:
        st.query_params.pop(_PARAMETER, None)
        return entry
    st.query_params[_PARAMETER] = chosen
    return engine.model(entry.id, chosen)


def remember_version(entry: ModelEntry, name: str) -> None:
    """Has the Predict page begin with that version."""
    st.session_state[_key(entry)] = name
    st.session_state[_MODEL] = entry.id


def _key(entry: ModelEntry) -> str:
    return f"version-{entry.id}-{entry.default}"  # a roll-back chooses anew


def _line(version: Version, entry: ModelEntry) -> str:
    """What tells it from the others: figures, day, note."""
    figures = ", ".join(f"{figure.name} {number(figure.value, 3)} {figure.unit}".strip() for figure in version.figures)
    made = day(version.created) if version.created else ""
    return plain(" · ".join(part for part in (figures, made, version.note) if part) or entry.usable_card().title)
