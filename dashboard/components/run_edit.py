"""What is done with a run as a whole: a name, a note, once more with another model, away with it."""

from __future__ import annotations

import streamlit as st

from dashboard.components.sharing import share
from dashboard.words import plain, size
from engine import ForelightError, GuardedEngine, ModelEntry, Options, Run


def show_edit(engine: GuardedEngine, run: Run) -> None:
    """One small menu."""
    with st.popover(
        "Manage", icon=":material/more_vert:", help="Rename, note, share, run again, delete", key=f"edit-{run.id}"
    ):
        if st.button("Name and note", icon=":material/edit:", type="tertiary", key=f"describe-{run.id}"):
            _describe(engine, run)
        if st.button("Share", icon=":material/share:", type="tertiary", key=f"share-{run.id}"):
            share(engine, run)
        if st.button("Run again", icon=":material/replay:", type="tertiary", key=f"again-{run.id}"):
            _again(engine, run)
        if st.button("Delete", icon=":material/delete:", type="tertiary", key=f"delete-{run.id}"):
            _delete(engine, run)


@st.dialog("Name and note")
def _describe(engine: GuardedEngine, run: Run) -> None:
    st.text_input("Name", run.name, max_chars=200, key="run-name")
    asked = "What should you or others know of this run?"
    st.text_area("Note", run.note, max_chars=4_000, placeholder=asked, key="run-note")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Save", type="primary", icon=":material/check:", on_click=_save, args=(engine, run.id)):
            st.rerun()


def _save(engine: GuardedEngine, run_id: str) -> None:
    engine.describe(run_id, name=st.session_state["run-name"], note=st.session_state["run-note"])


@st.dialog("Run again")
def _again(engine: GuardedEngine, run: Run) -> None:
    usable = {entry.id: entry.card.title for entry in engine.models() if entry.card is not None}
    here = list(usable).index(run.model_id) if run.model_id in usable else 0
    model_id = st.selectbox(
        "Model",
        list(usable),
        index=here,
        format_func=lambda each: plain(usable[each]),
        help="The same files, read anew.",
    )
    version = _version(engine.model(model_id)) if model_id else ""
    if st.button("Predict", type="primary", icon=":material/bolt:"):
        try:
            checked = engine.again(run.id, model_id, version=version)
            if checked.report.fatal or not checked.report.n_good:
                found = [problem.message for problem in checked.report.problems if problem.severity != "note"]
                engine.delete(checked.id)
                st.error(plain(" ".join(found[:5]), 2_000), icon=":material/block:")
                return
            started = engine.submit(checked.id, Options(on_error="refuse" if checked.report.clean else "report"))
        except ForelightError as error:
            st.error(plain(error, 2_000), icon=":material/error:")
            return
        st.switch_page("app_pages/result.py", query_params={"run": started.id})


def _version(entry: ModelEntry) -> str:
    """The version wanted, the default at first; asks only where there are several."""
    names = [version.name for version in entry.versions]
    if len(names) < 2:
        return entry.version
    said = f"{entry.default} (default)"
    return str(
        st.selectbox(
            "Version",
            names,
            index=names.index(entry.default),
            format_func=lambda name: plain(said if name == entry.default else name),
            key=f"again-version-{entry.id}-{entry.default}",
        )
    )


@st.dialog("Delete this run?")
def _delete(engine: GuardedEngine, run: Run) -> None:
    st.markdown(
        f"**{plain(run.title)}** on {plain(run.name)}: the predictions and the uploaded files ({size(run.bytes)}) are "
        "deleted, and its link stops working. This cannot be undone."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it"):
            st.rerun()
        if st.button(
            "Delete",
            type="primary",
            icon=":material/delete:",
            key="really-delete",
            on_click=engine.delete,
            args=(run.id,),
        ):
            st.switch_page("app_pages/runs.py")
