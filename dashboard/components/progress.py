"""A run that is not over: how far, how fast, how long still; and how it ended where it did not end well."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.failures import shown_failures
from dashboard.words import count, duration, plain
from engine import Engine, Filter, Results, Run


def show_progress(engine: Engine, run_id: str) -> None:
    """Looks at the run twice a second; draws the page anew when it has ended."""

    @st.fragment(run_every=0.5)
    def look() -> None:
        with shown_failures():
            run = engine.run(run_id)
            if run.ended:
                st.rerun()
            _show(run)
            if st.button("Cancel", icon=":material/stop_circle:", key="cancel"):
                engine.cancel(run_id)

    look()


def show_end(run: Run, results: Results | None) -> None:
    """Says what a finished run lacks; nothing where it lacks nothing."""
    if run.state == "failed":
        st.error(plain(run.error or "The prediction failed.", most=2_000), icon=":material/error:")
    elif run.state in ("cancelled", "interrupted"):
        kept = f"{results.n_rows:,} of {count(run.rows_total, 'row')} were kept" if results else "No rows were kept"
        why = f" {plain(run.error)}" if run.error else ""
        st.warning(f"**{run.state.capitalize()}.**{why} {kept}.", icon=":material/warning:")
    if run.rows_failed and results is not None:
        note = f"**{count(run.rows_failed, 'row was', 'rows were')} not predicted.** The reasons stand in the table."
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(note, icon=":material/warning:")
            st.button("Show them", icon=":material/filter_alt:", on_click=_show_failed_rows)


def _show_failed_rows() -> None:
    st.session_state["tab"] = "Table"
    selection.add(Filter("status", "in", ("failed",)))


def _show(run: Run) -> None:
    share = run.rows_done / run.rows_total if run.rows_total else 0.0
    with st.container(border=True):
        st.progress(min(1.0, share), f"**{plain(run.stage) or 'Starting'}** · {share:.0%}")
        with st.grid(3, min_column_width=140):
            st.metric("Rows", f"{run.rows_done:,} of {run.rows_total:,}")
            st.metric("Rows a second", f"{run.rows_per_second:,.0f}" if run.rows_per_second else "–")
            st.metric("Time left", duration(run.seconds_left) if run.seconds_left is not None else "–")
    st.caption("You may close this page: the run goes on, and its address stays the same.")
