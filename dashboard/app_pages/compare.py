"""Two runs on the same input, at their own address `/compare?a=…&b=…`."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.access.callers import this_engine
from dashboard.components.comparison import choose_other, show_comparison
from dashboard.components.progress import show_progress
from dashboard.components.run_title import asked_run, results_of, show_facts
from dashboard.components.selection_bar import show_selection
from dashboard.words import plain

engine = this_engine()
run = asked_run(engine, "a")
results = results_of(engine, run)
back = [("run", run.id), *selection.as_query(selection.chosen(results) if results is not None else ())]
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(f"Compare {plain(run.title)}", anchor=False)
    st.page_link("app_pages/result.py", label="Back to the run", icon=":material/arrow_back:", query_params=back)
show_facts(engine, run)
if results is None:
    st.info("This run has no predictions to compare.", icon=":material/compare_arrows:")
    st.stop()

other = choose_other(engine, run, st.query_params.get("b", ""))
if other is None:
    st.stop()
st.query_params["b"] = other.id
show_facts(engine, other)
if not other.ended:
    show_progress(other)
    st.stop()
other_results = results_of(engine, other)
if other_results is None:
    st.info("The other run has no predictions to compare.", icon=":material/compare_arrows:")
    st.stop()
show_comparison(results, other_results, show_selection(results))
