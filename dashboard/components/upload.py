"""The visitor's files: dropped, or a sample of the model's; on disk before anything else happens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.api import UPLOAD_PATH, template_path
from dashboard.visitors import this_visitor
from dashboard.words import count, listed, plain, short, size
from engine import Engine, ForelightError, ModelEntry, Source, task_of

_FILES = Path(__file__).parent / "uploader"
_PICTURES = ".png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff,.zip,image/*"
_uploader = st.components.v2.component(
    "forelight_uploader",
    html=(_FILES / "uploader.html").read_text(encoding="utf-8"),
    css=(_FILES / "uploader.css").read_text(encoding="utf-8"),
    js=(_FILES / "uploader.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True)
class Files:
    """What is to be predicted: files on disk, by the visitor's names; `uploads` are the numbers of those sent here."""

    id: str
    sources: tuple[Source, ...]
    uploads: tuple[str, ...] = ()


def ask_for_files(engine: Engine, entry: ModelEntry) -> Files | None:
    """The files to predict with this model; None as long as there are none."""
    kept: Files | None = st.session_state.get(_key(entry))
    if kept is not None:
        _show_kept(engine, kept, entry)
        return kept
    _ask(engine, entry)
    _offer_samples(engine, entry)
    return None


def forget_files(engine: Engine, entry: ModelEntry) -> None:
    """Removes what was uploaded for the model; the page then asks again."""
    files: Files | None = st.session_state.pop(_key(entry), None)
    for upload_id in files.uploads if files is not None else ():
        try:
            engine.uploads.delete(this_visitor(), upload_id)
        except ForelightError:
            continue  # it is gone already


def _ask(engine: Engine, entry: ModelEntry) -> None:
    """The place for files to be dropped; when all have arrived the page goes on with them."""
    card = entry.usable_card()
    pictures = card.image is not None
    found = _uploader(
        key=f"files-{entry.id}-{_round(entry)}",
        data={
            "path": UPLOAD_PATH,
            "needs": " ".join(task_of(card).inputs.needs(card)),
            "pictures": pictures,
            "accept": _PICTURES if pictures else "",
        },
        default={"files": []},
        on_files_change=lambda: None,
    )
    arrived: Sequence[str] = found.files or []
    if arrived:
        uploads = [engine.uploads.get(this_visitor(), str(upload_id)) for upload_id in arrived]
        sources = tuple(upload.source() for upload in uploads)
        _keep(engine, entry, Files(secrets.token_hex(8), sources, tuple(upload.id for upload in uploads)))


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
                _keep(engine, entry, Files(secrets.token_hex(8), sources))
        st.link_button("Download a template", template_path(entry.id), icon=":material/download:", type="tertiary")


def _show_kept(engine: Engine, files: Files, entry: ModelEntry) -> None:
    names = [source.name for source in files.sources]
    octets = sum(source.path.stat().st_size for source in files.sources if source.path.is_file())
    named = short(names[0], 60) if len(names) == 1 else f"{count(len(names), 'file')}: {short(listed(names), 80)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/draft: **{plain(named)}** :small[:gray[{size(octets)}]]", width="content")
        if st.button("Use other files", icon=":material/close:", type="tertiary", key=f"other-{entry.id}"):
            forget_files(engine, entry)
            st.rerun()


def _keep(engine: Engine, entry: ModelEntry, files: Files) -> None:
    """Remembers the files, and shows an empty uploader next time."""
    forget_files(engine, entry)
    st.session_state[_key(entry)] = files
    st.session_state[f"round-{entry.id}"] = _round(entry) + 1
    st.rerun()


def _key(entry: ModelEntry) -> str:
    return f"upload-{entry.id}"


def _round(entry: ModelEntry) -> int:
    return int(st.session_state.get(f"round-{entry.id}", 0))
