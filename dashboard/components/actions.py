"""What a visitor does with a finished run: download it, or pass on its link."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard.api import download_path
from dashboard.components.report_link import offer_report
from engine import Engine, Run

_FILES = Path(__file__).parent / "copy_link"
_copy_link = st.components.v2.component(
    "forelight_copy_link",
    html='<button type="button"><span class="icon" aria-hidden="true"></span><span class="word"></span></button>',
    css=(_FILES / "copy.css").read_text(encoding="utf-8"),
    js=(_FILES / "copy.js").read_text(encoding="utf-8"),
)


def show_actions(engine: Engine, run: Run, has_results: bool) -> None:
    """Download as CSV, as Parquet, as something else, where there are results; copy the link."""
    with st.container(horizontal=True, width="content", gap="xsmall", horizontal_alignment="right"):
        _copy_link(key="copy-link", width="content", height="content")
        if not has_results:
            return
        offer_report(run)
        with st.popover("More formats", icon=":material/more_horiz:"):
            st.caption("Numbers with all their digits, types kept:")
            _download(engine, run, "jsonl", "JSON Lines", "tertiary")
            _download(engine, run, "xlsx", "Excel", "tertiary")
        _download(engine, run, "parquet", "Parquet", "secondary")
        _download(engine, run, "csv", "Download CSV", "primary")


def _download(
    engine: Engine, run: Run, suffix: str, label: str, kind: Literal["primary", "secondary", "tertiary"]
) -> None:
    link = download_path(run.id, engine.download_name(run.id, suffix))
    st.link_button(label, link, icon=":material/download:", type=kind)
