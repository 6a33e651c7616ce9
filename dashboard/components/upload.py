"""The visitor's files: uploaded, or a sample of the model's; on disk before anything else happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.lake import offer_lake
from dashboard.routes.fetching import template_path
from dashboard.words import count, listed, plain, short, size
from engine import ForelightError, GuardedEngine, ModelEntry, Source, Upload, task_of

_PARTS = Path(__file__).parent / "uploader"
_ACCEPTED_PICTURES = ".png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff,.zip,image/png,image/jpeg,image/webp"


def _part(*names: str) -> str:
    return "\n".join((_PARTS / name).read_text(encoding="utf-8") for name in names)


_uploader = st.components.v2.component(
    "forelight_uploader",
    html=_part("uploader.html"),
    css=_part("uploader.css"),
    js=_part("sending.js", "drawing.js"),
)


@dataclass(frozen=True, slots=True)
class Files:
    """What is to be predicted: files on disk, by the visitor's names. `ids` are those of uploads; a sample has none.

    `sent` says that they come from the visitor's browser, whose list of files shows them.
    """

    id: str
    sources: tuple[Source, ...]
    ids: tuple[str, ...] = ()
    sent: bool = False


def ask_for_files(engine: GuardedEngine, entry: ModelEntry) -> Files | None:
    """The files to predict with this model; None as long as there are none, or some of them are on their way."""
    kept: Files | None = st.session_state.get(_key(entry))
    if kept is not None and not kept.sent:
        _show_files(engine, kept, entry)
        return kept
    _show_uploader(engine, entry, kept)
    if kept is None:
        _offer_samples(engine, entry)
    return kept


def has_begun(entry: ModelEntry) -> bool:
    """Whether the visitor has brought files for the model, all of them here already or not."""
    return bool(st.session_state.get(_begun(entry)))


def forget_files(engine: GuardedEngine, entry: ModelEntry) -> None:
    """Deletes what was uploaded for the model; the page then asks again."""
    kept: Files | None = st.session_state.pop(_key(entry), None)
    st.session_state.pop(_begun(entry), None)
    st.session_state[f"round-{entry.id}"] = _round(entry) + 1
    for upload_id in kept.ids if kept is not None else ():
        try:
            engine.delete_upload(upload_id)
        except ForelightError:
            continue  # it is gone already


def hand_over(entry: ModelEntry, other: ModelEntry) -> None:
    """Makes the files those of another model, without sending them again."""
    kept: Files | None = st.session_state.pop(_key(entry), None)
    st.session_state.pop(_begun(entry), None)
    st.session_state[f"round-{entry.id}"] = _round(entry) + 1
    if kept is not None:
        st.session_state[_begun(other)] = True
        st.session_state[_key(other)] = replace(kept, sent=False)


def _show_uploader(engine: GuardedEngine, entry: ModelEntry, kept: Files | None) -> None:
    """Files go from the browser to dashboard/routes/receiving.py; what comes here is which of them have all arrived."""
    card, key = entry.usable_card(), f"uploader-{entry.id}"

    def arrived() -> None:
        take_files(engine, entry, st.session_state[key].files)

    _uploader(
        key=key,
        data={
            "name": entry.id,
            "needs": " ".join(task_of(card).inputs.needs(card)),
            "accept": _ACCEPTED_PICTURES if card.image is not None else "",
            "most": engine.settings.max_file_bytes,
            "one": False,
            "round": _round(entry),
            "taken": kept.id if kept is not None else "",
            "gone": st.session_state.get(f"gone-{entry.id}", []),
        },
        on_files_change=arrived,
        on_forgotten_change=partial(forget_files, engine, entry),
    )


def drop_picture(engine: GuardedEngine, name: str, arrived: Callable[[Source], None]) -> None:
    """A place for one picture after the other: `arrived` is called with each, and the place is empty again."""
    needs, most = "PNG, JPEG, WebP, BMP or TIFF.", engine.settings.max_file_bytes
    drop_file(engine, name, lambda found: arrived(found.source()), needs=needs, accept=_ACCEPTED_PICTURES, most=most)


def drop_file(
    engine: GuardedEngine, name: str, arrived: Callable[[Upload], None], *, needs: str, accept: str, most: int
) -> None:
    """The same for any file that `accept` lets a person choose, of at most so many bytes."""
    key, rounds = f"uploader-{name}", f"round-{name}"

    def take() -> None:
        for upload_id in st.session_state[key].files["ids"][-1:]:
            arrived(engine.upload(str(upload_id)))
            st.session_state[rounds] = st.session_state.get(rounds, 0) + 1

    _uploader(
        key=key,
        data={
            "name": name,
            "needs": needs,
            "accept": accept,
            "most": most,
            "one": True,
            "round": st.session_state.get(rounds, 0),
            "taken": "",
            "gone": [],
        },
        on_files_change=take,
        on_forgotten_change=lambda: None,
    )


def take_files(engine: GuardedEngine, entry: ModelEntry, told: Mapping[str, Any]) -> None:
    """Remembers the uploads that the browser names, where they are this visitor's, as what is to be predicted.

    `told` holds `ids`, and the browser's `token` for just these files; without ids nothing is there to predict yet.
    """
    found, gone = [], []
    for upload_id in told["ids"]:
        try:
            found.append(engine.upload(str(upload_id)).source())
        except ForelightError:
            gone.append(upload_id)
    st.session_state[f"gone-{entry.id}"] = gone
    st.session_state.pop(_key(entry), None)
    if found and not gone:
        st.session_state[_begun(entry)] = True
        st.session_state[_key(entry)] = Files(str(told["token"]), tuple(found), tuple(told["ids"]), sent=True)


def _offer_samples(engine: GuardedEngine, entry: ModelEntry) -> None:
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
        offer_lake(engine, entry.id, partial(_take_from_lake, engine, entry))
        st.link_button("Download a template", template_path(entry.id), icon=":material/download:", type="tertiary")


def _take_from_lake(engine: GuardedEngine, entry: ModelEntry, upload: Upload) -> None:
    _keep(engine, entry, Files(secrets.token_hex(8), (upload.source(),), (upload.id,)))


def _show_files(engine: GuardedEngine, files: Files, entry: ModelEntry) -> None:
    names = [source.name for source in files.sources]
    octets = sum(source.path.stat().st_size for source in files.sources if source.path.is_file())
    named = short(names[0], 60) if len(names) == 1 else f"{count(len(names), 'file')}: {short(listed(names), 80)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/draft: **{plain(named)}** :small[:gray[{size(octets)}]]", width="content")
        if st.button("Use other files", icon=":material/close:", type="tertiary", key=f"other-{entry.id}"):
            forget_files(engine, entry)
            st.rerun()


def _keep(engine: GuardedEngine, entry: ModelEntry, files: Files) -> None:
    """Remembers the files, and shows an empty uploader next time."""
    forget_files(engine, entry)
    st.session_state[_begun(entry)] = True
    st.session_state[_key(entry)] = files
    st.rerun()


def _key(entry: ModelEntry) -> str:
    return f"upload-{entry.id}"


def _begun(entry: ModelEntry) -> str:
    return f"begun-{entry.id}"


def _round(entry: ModelEntry) -> int:
    return int(st.session_state.get(f"round-{entry.id}", 0))
