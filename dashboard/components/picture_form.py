"""What if, for pictures: each one dropped is predicted at once and kept beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.components.found import lies_in_pictures, show_found_now
from dashboard.components.fragments import fragment_as_asked
from dashboard.components.outcome import (
    answers,
    good_line,
    outcome_columns,
    save_or_forget,
    show_outcome,
    show_problems,
    shown_value,
)
from dashboard.components.upload import drop_picture
from dashboard.words import count, plain, short, with_unit
from engine import GuardedEngine, ModelEntry, Options, Results, Run, Source, task_of

_TYPES = ("png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff")


@dataclass(frozen=True, slots=True)
class Tried:
    """A picture that was predicted, and its line."""

    source: Source
    line: Mapping[str, Any]


@fragment_as_asked
def show_picture_form(engine: GuardedEngine, of: Results | None, entry: ModelEntry, key: str) -> None:
    """A drop for one picture after the other, the answer beside it, and the ones before under it."""
    card, tried = entry.usable_card(), _tried(key)
    left, right = st.columns([2, 3], gap="medium")
    with right:
        drop_picture(engine, f"picture-{key}", lambda source: remember(source, key))
        _offer_samples(engine, entry, key)
    source: Source | None = st.session_state.get(_current(key))
    if source is None:
        left.info("Drop a picture, and its prediction stands here.", icon=":material/image:")
        return
    now = engine.predict_now(entry.id, (source,), version=entry.version)
    line = good_line(now)
    with left:
        st.markdown(f"**{plain(short(source.name))}**")
        show_problems(now)
        if line is not None:
            show_outcome(line, outcome_columns(card, now[1]), card.labels, f"outcome-{key}")
    if line is not None:
        with right:
            _show_picture(source, line, entry, now[1].columns, key)
        if all(each.source.path != source.path for each in tried):
            tried.append(Tried(source, line))
    _show_tried(engine, entry, tried, key)


def _show_picture(source: Source, line: Mapping[str, Any], entry: ModelEntry, columns: list[str], key: str) -> None:
    """The picture, with what was found in it where that lies in it."""
    card, content = entry.usable_card(), source.path.read_bytes()
    predicted = task_of(card).outputs.predicted(card, columns)
    if lies_in_pictures(predicted):
        show_found_now(line, card, predicted, (content, source.name), f"found-now-{key}")
    else:
        st.image(content, width=280)


def _offer_samples(engine: GuardedEngine, entry: ModelEntry, key: str) -> None:
    """The model's own pictures, where it has single ones."""
    found = [source for each in engine.samples(entry.id) for source in engine.sample_sources(entry.id, each.title)]
    pictures = [source for source in found if Path(source.name).suffix.lower().removeprefix(".") in _TYPES]
    with st.container(horizontal=True, gap="xsmall"):
        for source in pictures[:6]:
            if st.button(plain(source.name), icon=":material/experiment:", key=f"try-{key}-{source.name}"):
                remember(source, key)


def remember(source: Source, key: str) -> None:
    """The picture that was chosen last, dropped or the model's own, is the one that is predicted."""
    st.session_state[_current(key)] = source


def _current(key: str) -> str:
    return f"picture-now-{key}"


def _show_tried(engine: GuardedEngine, entry: ModelEntry, tried: list[Tried], key: str) -> None:
    """What came out for each picture so far, and the ways to save or forget them."""
    if not tried:
        return
    st.markdown(f"**{count(len(tried), 'picture')} tried**")
    frame = pl.DataFrame([each.line for each in tried], infer_schema_length=None)
    columns = answers(outcome_columns(entry.usable_card(), frame), entry.usable_card().labels)
    shown = {
        with_unit(each.name, each.unit): [shown_value(one.line.get(each.name)) for one in tried] for each in columns
    }
    names = {"Picture": [each.source.name for each in tried]}
    st.dataframe({**names, **shown}, hide_index=True, height="content", alt="The pictures tried and what came out")

    def save() -> Run:
        run = engine.check(entry.id, [each.source for each in tried], version=entry.version, keep_files=True)
        return engine.submit(run.id, Options(on_error="report"))

    save_or_forget(tried, "Save them as a new run", save, key)


def _tried(key: str) -> list[Tried]:
    tried: list[Tried] = st.session_state.setdefault(f"tried-{key}", [])
    return tried
