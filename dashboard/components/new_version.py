"""Where hosts bring a checkpoint to a model that is there."""

from __future__ import annotations

import streamlit as st

from dashboard.components.upload import drop_file
from dashboard.failures import shown_failures
from dashboard.words import code, plain
from engine import GuardedEngine, ModelEntry, Upload


def offer_new_version(engine: GuardedEngine, entry: ModelEntry) -> None:
    """A place for one checkpoint; for hosts alone, where it is switched on."""
    if not (engine.caller.operates and engine.settings.checkpoint_uploads):
        return
    arrived, noted = f"new-checkpoint-{entry.id}", f"new-note-{entry.id}"

    def take(found: Upload) -> None:
        st.session_state[arrived] = found.id

    with st.expander("Add a version", icon=":material/add:", key=f"add-version-{entry.id}"):
        st.markdown(
            f"Bring a checkpoint of the same class, {code(entry.usable_card().module)}. It is loaded without running "
            "any code of its own, and tried with this model's columns. Visitors get it once it is made the default."
        )
        st.text_input("Note", max_chars=300, placeholder="what tells it from the others", key=noted)
        most = engine.settings.max_checkpoint_bytes
        drop_file(engine, arrived, take, needs="What Lightning saved: .ckpt", accept=".ckpt", most=most)
        upload_id = st.session_state.pop(arrived, "")
        if upload_id:
            with shown_failures():
                with st.spinner("Trying the checkpoint"):
                    version = engine.add_checkpoint(entry.id, upload_id, st.session_state.get(noted, ""))
                st.toast(f"It is version {plain(version.name)} now; the default is still {plain(entry.default)}.")
                st.rerun()
