"""The way to a run's report: to read and print it here, or to keep it as one file."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import keyed
from dashboard.routes.fetching import report_path
from engine import Run


def offer_report(run: Run) -> None:
    """A menu with both."""
    with st.popover("Report", icon=":material/description:"):
        st.caption("Figures, charts and first rows in one HTML file that needs no connection:")
        st.link_button("Open", keyed(report_path(run.id)), icon=":material/open_in_new:", type="tertiary")
        save = keyed(report_path(run.id, save=True))
        st.link_button("Save as a file", save, icon=":material/download:", type="tertiary")
