"""A run that is not over: how far, how fast, how long still; and how it ended where it did not end well."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.access.callers import this_engine
from dashboard.failures import shown_failures
from dashboard.words import count, duration, plain
from engine import Filter, GuardedEngine, Results, Run

_CLOSE = "You may close this page: the run goes on, and its address stays the same."


def show_progress(watched: Run) -> None:
    """Looks at the run twice a second; draws the page anew when it has ended."""

    @st.fragment(run_every=0.5)
    def look() -> None:
        with shown_failures():
            engine = this_engine()  # who looks may have lost the right to since
            run = engine.run(watched.id)
            if run.ended:
                st.rerun()
            _show(run)
            if engine.is_mine(run):
                st.button("Cancel", icon=":material/stop_circle:", on_click=engine.cancel, args=(run.id,), key="cancel")

    look()


def show_end(engine: GuardedEngine, run: Run, results: Results | None) -> None:
    """Says what a finished run lacks; nothing where it lacks nothing."""
    if run.resumable:
        kept = f"{results.n_rows:,} of {count(run.rows_total, 'row')} are kept" if results else "No rows are kept"
        why = f" {plain(run.error, most=2_000)}" if run.error else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            told = f"**{run.state.capitalize()}.**{why} {kept}."
            if run.state == "failed":
                st.error(told, icon=":material/error:")
            else:
                st.warning(told, icon=":material/warning:")
            if engine.is_mine(run) and st.button("Resume", icon=":material/play_circle:", type="primary"):
                engine.resume(run.id)
                st.rerun()
    if run.rows_failed and results is not None:
        note = f"**{count(run.rows_failed, 'row was', 'rows were')} not predicted.** The reasons stand in the table."
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(note, icon=":material/warning:")
            st.button("Show them", icon=":material/filter_alt:", on_click=_show_failed_rows)


def _show_failed_rows() -> None:
    st.session_state["tab"] = "Table"
    selection.add(Filter("status", "in", ("failed",)))


def _show(run: Run) -> None:
    if run.state == "queued":
        _show_place(run)
        return
    share = run.rows_done / run.rows_total if run.rows_total else 0.0
    with st.container(border=True):
        st.progress(min(1.0, share), f"**{plain(run.stage) or 'Starting'}** · {share:.0%}")
        with st.grid(3, min_column_width=140):
            st.metric("Rows", f"{run.rows_done:,} of {run.rows_total:,}")
            st.metric("Rows a second", f"{run.rows_per_second:,.0f}" if run.rows_per_second else "–")
            st.metric("Time left", duration(run.seconds_left) if run.seconds_left is not None else "–")
    st.caption(_CLOSE)


def _show_place(run: Run) -> None:
    """How many runs come first, and about how long that takes."""
    with st.container(border=True):
        if run.place is None or not run.place.ahead:
            st.progress(0.0, "**Waiting** · it is this run's turn next")
        else:
            about = f", about {duration(run.place.seconds)}" if run.place.seconds is not None else ""
            st.progress(0.0, f"**Waiting** · {count(run.place.ahead, 'run')} before this one{about}")
        with st.grid(3, min_column_width=140):
            st.metric("Rows", f"{run.rows_done:,} of {run.rows_total:,}")
            st.metric("Place in the queue", f"{run.place.ahead + 1:,}" if run.place is not None else "–")
            starts = duration(run.place.seconds) if run.place is not None and run.place.seconds is not None else "–"
            st.metric("Starts in about", starts)
    st.caption(f"Everyone's runs take turns, so a short one need not wait for a long one. {_CLOSE}")
