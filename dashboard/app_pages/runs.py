"""The predictions a visitor made here, the newest first: found again, opened, named, run again, deleted."""

from __future__ import annotations

import streamlit as st

from dashboard.components.run_list import ask_what, show_runs, show_storage
from dashboard.resources import get_engine
from dashboard.visitors import this_visitor
from engine import Search

engine = get_engine()
visitor = this_visitor()
st.title("Runs", anchor=False)
if not engine.count_runs(Search(visitor=visitor)):
    st.info("You have predicted nothing here yet.", icon=":material/history:")
    st.page_link("app_pages/predict.py", label="Predict something", icon=":material/bolt:")
    st.stop()
show_runs(engine, ask_what(engine, visitor))
show_storage(engine)
