"""The predictions made here, the newest first: open, delete."""

from __future__ import annotations

import streamlit as st

from dashboard.components.run_list import show_runs
from dashboard.resources import get_engine

engine = get_engine()
st.title("Runs")
runs = engine.runs()
if not runs:
    st.info("Nothing was predicted here yet.", icon=":material/history:")
    st.page_link("app_pages/predict.py", label="Predict something", icon=":material/bolt:")
    st.stop()
show_runs(engine, runs)
