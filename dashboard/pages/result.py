"""One run, at its own address `/result?run=…`: progress while it runs, then the answer, the table, the rows."""

from __future__ import annotations

import streamlit as st

from dashboard.components.about import show_about
from dashboard.components.actions import show_actions
from dashboard.components.progress import show_end, show_progress
from dashboard.components.result_table import show_table
from dashboard.components.row_detail import choose_row
from dashboard.components.run_title import show_headline, show_title
from dashboard.components.views import show_views
from dashboard.resources import get_engine

engine = get_engine()
run_id = st.query_params.get("run", "")
if not run_id:
    st.info("No run is chosen. Open one of those made before, or predict something new.")
    st.page_link("pages/runs.py", icon=":material/history:")
    st.stop()

run = engine.run(run_id)
if not run.ended:
    show_title(run)
    show_progress(engine, run_id)
    st.stop()

with st.container(horizontal=True, vertical_alignment="top", horizontal_alignment="distribute"):
    show_title(run)
    show_actions(engine, run)
show_end(run)
if run.rows_done == 0:
    st.stop()

results = engine.results(run_id)
show_headline(results)
charts, table, rows, about = st.tabs(["Charts", "Table", "Rows", "About"], key="tab", bind="query-params")
if charts.open:
    with charts:
        show_views(results)
if table.open:
    with table:
        show_table(results)
if rows.open:
    with rows:
        choose_row(results)
if about.open:
    with about:
        show_about(engine, run)
