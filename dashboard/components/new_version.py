"""Where hosts bring a checkpoint to a model that is there."""

from __future__ import annotations

import streamlit as st

from dashboard.components.upload import drop_file
from dashboard.components.versions import choose_next
from dashboard.failures import shown_failures
from dashboard.words import code, plain, short, size
from engine import ForelightError, GuardedEngine, ModelEntry, Upload


def offer_new_version(engine: GuardedEngine, entry: ModelEntry) -> None:
    """A place for one checkpoint; for hosts alone, where it is switched on."""
    if not (engine.caller.operates and engine.settings.checkpoint_uploads):
        return
    with st.expander("Add a version", icon=":material/add:", key=f"add-version-{entry.id}"):
        st.markdown(
            f"Bring a checkpoint of the same class, {code(entry.usable_card().module)}. It is loaded without running "
            "any code of its own, and tried with this model's columns. Visitors get it once it is made the default."
        )
        arrived = _arrived(engine, entry)
        if arrived is None:
            _drop(engine, entry)
        else:
            _ask_and_add(engine, entry, arrived)


def _key(entry: ModelEntry) -> str:
    return f"new-checkpoint-{entry.id}"


def _arrived(engine: GuardedEngine, entry: ModelEntry) -> Upload | None:
    """The checkpoint that was brought and not tried yet, if it is still there."""
    try:
        return engine.upload(st.session_state.get(_key(entry), ""))
    except ForelightError:
        st.session_state.pop(_key(entry), None)
        return None


def _drop(engine: GuardedEngine, entry: ModelEntry) -> None:
    def take(found: Upload) -> None:
        st.session_state[_key(entry)] = found.id

    most = engine.settings.max_checkpoint_bytes
    drop_file(engine, _key(entry), take, needs="What Lightning saved: .ckpt", accept=".ckpt", most=most)


def _ask_and_add(engine: GuardedEngine, entry: ModelEntry, arrived: Upload) -> None:
    """The note is asked in a form with the button: what stands in the field goes along, left or not."""
    place, noted = st.empty(), f"new-note-{entry.id}"
    with place.form(f"new-version-{entry.id}", border=False):
        st.markdown(f":material/draft: **{plain(short(arrived.name, 60))}** :small[:gray[{size(arrived.size)}]]")
        before = st.session_state.get(noted, "")
        note = st.text_input("Note", before, max_chars=300, placeholder="what tells it from the others")
        with st.container(horizontal=True):
            adds = st.form_submit_button("Try it and add it", icon=":material/add:", type="primary")
            drops = st.form_submit_button("Use another file", icon=":material/close:", type="tertiary")
    if adds or drops:
        st.session_state[noted] = note  # for the next file, where this one is refused
    if drops:
        engine.delete_upload(arrived.id)
        st.rerun()
    if adds:
        with shown_failures():
            with st.spinner("Trying the checkpoint"):
                version = engine.add_checkpoint(entry.id, arrived.id, note)
            st.session_state.pop(noted)
            choose_next(entry, version.name)
            st.toast(f"It is version {plain(version.name)} now; the default is still {plain(entry.default)}.")
            st.rerun()
        with place.container():
            _drop(engine, entry)  # what was refused is gone
