"""The step from the check to the prediction: the first rows, and the button that says what it will do."""

from __future__ import annotations

import streamlit as st

from dashboard.components.preflight import forget_check
from dashboard.components.upload import forget_files
from dashboard.words import count, when
from engine import GuardedEngine, ModelEntry, Options, Run

_PREVIEW_ROWS = 6


def show_preview(engine: GuardedEngine, run: Run) -> None:
    """The first rows as the model takes them; nothing where the files could not be typed."""
    if run.report.fatal or not run.report.n_rows:
        return
    rows = count(run.report.n_rows, "row")
    st.caption(f"The first of {rows}" if run.report.n_rows > _PREVIEW_ROWS else f"Your data, {rows}")
    st.dataframe(
        engine.preview(run.id, _PREVIEW_ROWS),
        hide_index=True,
        placeholder="–",
        height="content",
        alt="The first rows of your data",
    )


def ask_to_start(engine: GuardedEngine, entry: ModelEntry, run: Run) -> None:
    """The button that starts the prediction and goes to its page; it says what happens to faulty rows."""
    report = run.report
    bad = report.n_rows - report.n_good
    _offer_answer(engine, run)
    with st.container(horizontal=True):
        if report.fatal or not report.n_good:
            st.button("Predict", icon=":material/bolt:", type="primary", disabled=True, help="Mend the file first.")
        elif bad and st.button(
            f"Predict {count(report.n_good, 'good row')}, report {bad:,}", icon=":material/bolt:", type="primary"
        ):
            _start(engine, entry, run, Options(on_error="report"))
        elif not bad and st.button(f"Predict {count(report.n_rows, 'row')}", icon=":material/bolt:", type="primary"):
            _start(engine, entry, run, Options())
        if bad and st.button("Predict nothing, mend the file", type="secondary"):
            forget_check(engine, entry)
            forget_files(engine, entry)
            st.rerun()


def _offer_answer(engine: GuardedEngine, run: Run) -> None:
    """The finished run of the same files by the same model, where there is one; nothing keeps from running it again."""
    answer = engine.answered(run.id)
    if answer is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = f"**You predicted just these files before**, {when(answer.finished)}, with the same model."
        st.markdown(f":material/history: {told}", width="content")
        st.page_link(
            "app_pages/result.py",
            label="Open the result",
            icon=":material/open_in_new:",
            query_params={"run": answer.id},
        )


def _start(engine: GuardedEngine, entry: ModelEntry, run: Run, options: Options) -> None:
    engine.submit(run.id, options)
    forget_check(engine, entry)
    forget_files(engine, entry)
    st.switch_page("app_pages/result.py", query_params={"run": run.id})
