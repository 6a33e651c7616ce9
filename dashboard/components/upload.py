"""The visitor's files: dropped, or a sample of the model's; on disk before anything else happens."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.api import template_path
from dashboard.resources import uploads_folder
from dashboard.words import count, listed, plain, short, size
from engine import Engine, ModelEntry, Source, task_of

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be predicted: files on disk, by the visitor's names. `folder` is ours to remove; a sample has none."""

    id: str
    sources: tuple[Source, ...]
    folder: Path | None = None

    def remove(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def ask_for_files(engine: Engine, entry: ModelEntry) -> Upload | None:
    """The files to predict with this model; None as long as there are none."""
    kept: Upload | None = st.session_state.get(_key(entry))
    if kept is not None:
        _show_kept(kept, entry)
        return kept
    files = _uploader(entry)
    if files:
        _keep(entry, _store(engine, files))
    _offer_samples(engine, entry)
    return None


def forget_files(entry: ModelEntry) -> None:
    """Removes what was uploaded for the model; the page then asks again."""
    upload: Upload | None = st.session_state.pop(_key(entry), None)
    if upload is not None:
        upload.remove()


def _uploader(entry: ModelEntry) -> list[Any]:
    several: Literal[True, "directory"] = True
    what = "files"
    if entry.usable_card().image is not None:
        what = st.segmented_control(
            "What to drop", ["files", "folder"], default="files", required=True, format_func=_SWITCH.__getitem__,
            label_visibility="collapsed", key=f"what-{entry.id}",
        )  # fmt: skip
        several = "directory" if what == "folder" else True
    needs = "Drop your files here. " + " ".join(task_of(entry.usable_card()).inputs.needs(entry.usable_card()))
    found = st.file_uploader(
        plain(needs), accept_multiple_files=several, key=f"files-{entry.id}-{what}-{_round(entry)}"
    )
    return list(found or [])


_SWITCH = {"files": ":material/draft: Files or a zip", "folder": ":material/folder: A folder"}


def _offer_samples(engine: Engine, entry: ModelEntry) -> None:
    """One-click samples and the template, in one line under the uploader."""
    samples = engine.samples(entry.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if samples:
            st.markdown("No file at hand?", width="content")
        for number, sample in enumerate(samples):
            label = plain(sample.title)
            if st.button(label, icon=":material/experiment:", key=f"sample-{entry.id}-{number}"):
                sources = engine.sample_sources(entry.id, sample.title)
                _keep(entry, Upload(secrets.token_hex(8), sources))
        st.link_button("Download a template", template_path(entry.id), icon=":material/download:", type="tertiary")


def _show_kept(upload: Upload, entry: ModelEntry) -> None:
    names = [source.name for source in upload.sources]
    octets = sum(source.path.stat().st_size for source in upload.sources if source.path.is_file())
    named = short(names[0], 60) if len(names) == 1 else f"{count(len(names), 'file')}: {short(listed(names), 80)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/draft: **{plain(named)}** :small[:gray[{size(octets)}]]", width="content")
        if st.button("Use other files", icon=":material/close:", type="tertiary", key=f"other-{entry.id}"):
            forget_files(entry)
            st.rerun()


def _keep(entry: ModelEntry, upload: Upload) -> None:
    """Remembers the files, and shows an empty uploader next time."""
    forget_files(entry)
    st.session_state[_key(entry)] = upload
    st.session_state[f"round-{entry.id}"] = _round(entry) + 1
    st.rerun()


def _store(engine: Engine, files: Sequence[Any]) -> Upload:
    """Copies the uploads to disk in pieces, under numbers: a visitor's name is never a path; lets the memory go."""
    upload_id = secrets.token_hex(8)
    folder = uploads_folder(engine) / upload_id
    folder.mkdir()
    sources = []
    with st.spinner(f"Storing {count(len(files), 'file')}"):
        for number, file in enumerate(files):
            path = folder / f"{number:06d}"
            with path.open("wb") as target:
                shutil.copyfileobj(file, target, _PIECE)
            sources.append(Source(file.name, path))
    _let_go(files)
    return Upload(upload_id, tuple(sources), folder)


def _let_go(files: Sequence[Any]) -> None:
    """Frees Streamlit's copy in memory now; by itself it would stay until the session ends."""
    context = get_script_run_ctx()
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if context is None or not isinstance(manager, MemoryUploadedFileManager):
        return
    for file in files:
        manager.remove_file(context.session_id, file.file_id)


def _key(entry: ModelEntry) -> str:
    return f"upload-{entry.id}"


def _round(entry: ModelEntry) -> int:
    return int(st.session_state.get(f"round-{entry.id}", 0))
