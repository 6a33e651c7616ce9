"""The top of a run's page: what was predicted, and the figures that answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from dashboard.selection import steps_ahead
from dashboard.words import code, count, duration, listed, plain, short
from engine import FIRST, Filter, ForelightError, GuardedEngine, Results, Run
from engine.errors import RunNotFound, RunStateError

_Color = Literal["red", "orange", "blue", "green", "gray"]
_BADGES: dict[str, tuple[str, _Color, str]] = {
    "checked": ("Checked", "gray", ":material/rule:"),
    "queued": ("Waiting", "blue", ":material/schedule:"),
    "running": ("Running", "blue", ":material/bolt:"),
    "done": ("Done", "green", ":material/check:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "orange", ":material/cancel:"),
    "interrupted": ("Interrupted", "orange", ":material/power_off:"),
}


def show_badge(run: Run) -> None:
    """The run's state, as a coloured word."""
    word, color, icon = _BADGES[run.state]
    st.badge(word, icon=icon, color=color)


def files_of(run: Run) -> str:
    """The names of the visitor's files, short; not markdown."""
    if len(run.sources) == 1:
        return short(run.sources[0])
    return f"{count(len(run.sources), 'file')} ({short(listed(run.sources, 2))})"


def asked_run(engine: GuardedEngine, name: str = "run") -> Run:
    """The run that `?run=` (or another `name`) names; where there is none, says so, shows the way on, ends the page."""
    run_id = st.query_params.get(name, "")
    try:
        return engine.run(run_id)
    except RunNotFound:
        st.title("There is no such run" if run_id else "No run is chosen", anchor=False)
        login = ", or not shared with you, or not any more" if engine.settings.login else ""
        why = f"It was deleted, or its link is not whole{login}. " if run_id else ""
        st.info(f"{why}Open one made before, or predict something new.", icon=":material/link_off:")
        with st.container(horizontal=True):
            st.page_link("app_pages/predict.py", label="Predict", icon=":material/bolt:")
            st.page_link("app_pages/runs.py", label="Runs", icon=":material/history:")
        st.stop()


def results_of(engine: GuardedEngine, run: Run) -> Results | None:
    """The run's predictions; None before it has ended, and where it ended before any were kept."""
    try:
        return engine.results(run.id) if run.ended else None
    except RunStateError:
        return None


def version_of(engine: GuardedEngine, run: Run) -> str:
    """ "version 2" where the run's model has several; not markdown."""
    try:
        only = len(engine.model(run.model_id).versions) < 2 and run.version == FIRST
    except ForelightError:
        only = run.version == FIRST  # the model is not here any more
    return "" if only else f"version {run.version}"


def show_facts(engine: GuardedEngine, run: Run) -> None:
    """Version, state, files, rows, time and number of the run, in one line."""
    took = f"finished in {duration(run.seconds)}" if run.state == "done" else ""
    version = plain(version_of(engine, run))
    facts = [version, plain(run.name or files_of(run)), count(run.rows_total, "row"), took, f"run {code(run.id[:6])}"]
    word, color, icon = _BADGES[run.state]
    st.markdown(f":{color}-badge[{icon} {word}] :small[:gray[{' · '.join(fact for fact in facts if fact)}]]")
    if run.note:
        st.markdown(f":material/sticky_note_2: {plain(run.note, 4_000)}")


def show_headline(results: Results, where: Sequence[Filter] = ()) -> None:
    """The figures above the charts, of the rows chosen; all cards of one height."""
    run = results.run
    figures = results.headline(where)[:3]
    ahead = steps_ahead(results)
    good = [*where, *ahead, Filter("status", "in", ("ok",))]
    predicted = results.count(good) if where or ahead else run.rows_done - run.rows_failed
    with st.grid(1 + len(figures), min_column_width=160):
        failed = f"{count(run.rows_failed, 'row')} could not be predicted." if run.rows_failed else "All of them."
        tip = "Of the rows that the filters let through." if where else "The steps forecast." if ahead else failed
        st.metric("Rows predicted", f"{predicted:,}", help=tip, border=True, height="stretch")
        for figure in figures:
            st.metric(
                plain(figure.label), plain(figure.value), help=plain(figure.help) or None, border=True, height="stretch"
            )
