"""The predictions a visitor made here, the newest first: found again, opened, named, run again, deleted."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.run_list import ask_what, show_runs, show_shared, show_storage

engine = this_engine()
st.title("Runs", anchor=False)
if not engine.count_runs():
    st.info("You have predicted nothing here yet.", icon=":material/history:")
    st.page_link("app_pages/predict.py", label="Predict something", icon=":material/bolt:")
    show_shared(engine)
    st.stop()
show_runs(engine, ask_what(engine))
show_shared(engine)
show_storage(engine)
