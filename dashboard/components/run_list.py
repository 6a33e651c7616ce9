"""A list of runs, a card each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.run_title import files_of, show_badge
from dashboard.words import count, plain, when
from engine import Engine, Run

_A_PAGE = 20


def show_runs(engine: Engine, runs: Sequence[Run]) -> None:
    """The runs, a page at a time."""
    slot = st.container(gap="xsmall")
    page = st.pagination(max(1, -(-len(runs) // _A_PAGE)), key="runs-page") if len(runs) > _A_PAGE else 1
    with slot:
        for run in runs[(page - 1) * _A_PAGE : page * _A_PAGE]:
            _card(engine, run)


def _card(engine: Engine, run: Run) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(run.title)}**", width="content")
                show_badge(run)
            failed = f", {run.rows_failed:,} not predicted" if run.rows_failed else ""
            st.caption(f"{plain(files_of(run))} · {count(run.rows_total, 'row')}{failed} · {when(run.created)}")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
            st.page_link(
                "app_pages/result.py", label="Open", icon=":material/open_in_new:", query_params={"run": run.id}
            )
            if st.button("Delete", icon=":material/delete:", type="tertiary", key=f"delete-{run.id}"):
                _confirm(engine, run)


@st.dialog("Delete this run?")
def _confirm(engine: Engine, run: Run) -> None:
    st.markdown(
        f"**{plain(run.title)}** on {plain(files_of(run))}: the predictions and the uploaded files are deleted, "
        "and its link stops working. This cannot be undone."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it"):
            st.rerun()
        if st.button("Delete", type="primary", icon=":material/delete:", on_click=engine.delete, args=(run.id,)):
            st.rerun()
