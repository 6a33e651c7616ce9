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
    if folders and st.button("From the host's folders", icon=":material/folder_open:", key=f"lake-{name}"):
        st.dialog("From the host's folders")(_look_through)(engine, name, folders, taken)


def _look_through(engine: GuardedEngine, name: str, folders: Sequence[str], taken: Callable[[Upload], None]) -> None:
    folder = folders[0] if len(folders) == 1 else st.selectbox("Folder", folders, key=f"lake-folder-{name}")
    key = f"lake-path-{name}-{folder}"
    path = st.session_state.get(key, "")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/folder_open: {plain('/'.join((folder, path)).rstrip('/'))}", width="content")
        if path:
            above = path.rpartition("/")[0]
            st.button("One folder up", icon=":material/arrow_upward:", type="tertiary", on_click=_go, args=(key, above))
    try:
        entries = engine.lake_entries(folder, path)
    except ForelightError as error:
        st.warning(plain(error))
        return
    listed = f"lake-entry-{key}-{path}"
    chosen = st.selectbox(
        "File or folder",
        entries,
        format_func=_line,
        index=None,
        placeholder="Choose" if entries else "Nothing lies here",
        key=listed,
        on_change=_enter,
        args=(key, listed),
    )
    file = chosen if chosen is not None and not chosen.is_folder else None
    if st.button("Use this file", type="primary", disabled=file is None, key=f"lake-take-{name}") and file is not None:
        _take(engine, folder, file, taken)


def _enter(key: str, listed: str) -> None:
    """Called before the list is made again: a folder that was chosen is gone into."""
    chosen = st.session_state[listed]
    if chosen is not None and chosen.is_folder:
        _go(key, chosen.path)


def _go(key: str, path: str) -> None:
    st.session_state[key] = path


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
