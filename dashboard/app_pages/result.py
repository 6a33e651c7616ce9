"""One run, at its own address `/result?run=…`: progress while it runs, then the answer, the table, the rows."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.access.callers import this_engine
from dashboard.components.about import show_about
from dashboard.components.actions import show_actions
from dashboard.components.compare_offer import offer_comparison
from dashboard.components.evaluation import has_labels, show_evaluation
from dashboard.components.progress import show_end, show_progress
from dashboard.components.result_table import show_table
from dashboard.components.row_detail import choose_row
from dashboard.components.run_edit import show_edit
from dashboard.components.run_title import asked_run, results_of, show_facts, show_headline
from dashboard.components.selection_bar import show_selection
from dashboard.components.views import show_views
from dashboard.words import plain

engine = this_engine()
run = asked_run(engine)
results = results_of(engine, run)
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(plain(run.title), anchor=False)
    if run.ended:
        with st.container(horizontal=True, width="content", gap="xsmall", key="run-actions"):
            show_actions(engine, run, results)
            if engine.is_mine(run):
                show_edit(engine, run)
with st.container(horizontal=True, vertical_alignment="center", key="run-facts"):
    show_facts(engine, run)
    if results is not None:
        offer_comparison(engine, run, selection.chosen(results))
if not run.ended:
    show_progress(run)
    st.stop()

show_end(engine, run, results)
if results is None:
    st.stop()

where = show_selection(results)
show_headline(results, where)
judged = ["Evaluation"] if has_labels(results) else []
charts, *evaluation, table, rows, about = st.tabs(
    ["Charts", *judged, "Table", "Rows", "About"], key="tab", bind="query-params"
)
if charts.open:
    with charts:
        show_views(results, where)
for tab in evaluation:
    if tab.open:
        with tab:
            show_evaluation(results, where)
if table.open:
    with table:
        show_table(results, where)
if rows.open:
    with rows:
        choose_row(results)
if about.open:
    with about:
        show_about(engine, run)
