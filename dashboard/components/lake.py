"""Files that the host offers, to take instead of sending one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.words import plain, size
from engine import ForelightError, GuardedEngine, LakeEntry, Upload


def offer_lake(engine: GuardedEngine, name: str, taken: Callable[[Upload], None]) -> None:
    """A place to look through the host's folders; `taken` is called with the file that was chosen, as an upload.

    The folders are asked only while somebody looks.
    """
    folders = engine.lake_names()
    if not folders:
        return
    place = st.popover(
        "From the host's folders",
        icon=":material/folder_open:",
        on_change="rerun",
        key=f"lake-{name}",
    )
    with place:
        if place.open:
            _look_through(engine, name, folders, taken)


def _look_through(engine: GuardedEngine, name: str, folders: Sequence[str], taken: Callable[[Upload], None]) -> None:
    folder = folders[0] if len(folders) == 1 else st.selectbox("Folder", folders, key=f"lake-folder-{name}")
    key = f"lake-path-{name}-{folder}"
    path = st.session_state.get(key, "")
    st.caption(f"In {plain('/'.join((folder, path)).rstrip('/'))}")
    if path and st.button("One folder up", icon=":material/arrow_upward:", key=f"lake-up-{name}"):
        st.session_state[key] = path.rpartition("/")[0]
        st.rerun()
    try:
        entries = engine.lake_entries(folder, path)
    except ForelightError as error:
        st.warning(plain(error))
        return
    chosen = st.selectbox(
        "File or folder",
        entries,
        format_func=_line,
        index=None,
        placeholder="Choose" if entries else "Nothing lies here",
        key=f"lake-entry-{key}-{path}",
    )
    if chosen is None:
        return
    if chosen.is_folder:
        st.session_state[key] = chosen.path
        st.rerun()
    if st.button("Use this file", type="primary", key=f"lake-take-{name}"):
        _take(engine, folder, chosen, taken)


def _take(engine: GuardedEngine, folder: str, chosen: LakeEntry, taken: Callable[[Upload], None]) -> None:
    try:
        with st.spinner("Bringing the file"):
            upload = engine.take_from_lake(folder, chosen.path)
    except ForelightError as error:
        st.error(plain(error))
        return
    taken(upload)


def _line(entry: LakeEntry) -> str:
    """The entry as the list shows it; options of a list are no markdown."""
    return f"{entry.name}/" if entry.is_folder else f"{entry.name} ({size(entry.size)})"
