"""What a visitor does with a finished run: download it, or pass on its link."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import selection
from dashboard.access.callers import keyed
from dashboard.components.fragments import fragment_of_run
from dashboard.components.report_link import offer_report
from dashboard.routes.fetching import download_path
from dashboard.words import count, size
from engine import MOST_EXCEL_ROWS, PICTURE_FORMATS, Filter, GuardedEngine, Results, Run

_FILES = Path(__file__).parent / "copy_link"
_copy_link = st.components.v2.component(
    "forelight_copy_link",
    html='<button type="button"><span class="icon" aria-hidden="true"></span><b class="word">Copy link</b></button>',
    css=(_FILES / "copy.css").read_text(encoding="utf-8"),
    js=(_FILES / "copy.js").read_text(encoding="utf-8"),
)
_MANY = 300_000
_FORMATS = (("csv", "CSV"), ("parquet", "Parquet"), ("jsonl", "JSON Lines"), ("xlsx", "Excel"))


def show_actions(engine: GuardedEngine, run: Run, results: Results | None) -> None:
    """Copy the link; download everything as CSV, or a choice of rows, columns and format."""
    with st.container(horizontal=True, width="content", gap="xsmall", key="run-downloads"):
        alone = engine.settings.login and engine.is_mine(run) and not engine.shares(run.id)
        _copy_link(
            key="copy-link",
            width="content",
            height="content",
            data={"alone": alone},
            on_copied_change=_say_for_whom,
        )
        if results is None:
            return
        offer_report(run)
        more = st.popover("More downloads", icon=":material/more_horiz:", on_change="rerun", key="downloads")
        if more.open:
            with more:
                _choose(engine, results)
        link = keyed(download_path(run.id, engine.download_name(run.id, "csv")))
        tip = "For programs. For Excel, take the Excel file under More downloads: it shows every letter as it is."
        st.link_button("Download CSV", link, icon=":material/download:", type="primary", help=tip)


def _say_for_whom() -> None:
    """What to know of a link that is copied behind a login, where the run is not shared."""
    st.toast(
        "The link opens for you alone. **Share**, in the menu beside, makes one for others.", icon=":material/lock:"
    )


@fragment_of_run
def _choose(engine: GuardedEngine, results: Results) -> None:
    """Which rows, which columns, which format; with its size where that is known."""
    where = selection.chosen(results)
    if where:
        words = {
            True: f"These filters: {count(results.count(where), 'row')}",
            False: f"Everything: {count(results.n_rows, 'row')}",
        }
        asked = st.radio("Rows", list(words), format_func=words.__getitem__, key="download-rows")
        where = where if asked else ()
    names = [column.name for column in results.columns]
    columns = st.multiselect("Columns", names, key="download-columns", placeholder="all")
    for suffix, label in _FORMATS:
        _download(engine, results, suffix, label, where, columns)
    for suffix, kind in PICTURE_FORMATS.items():
        if kind.fits(results):
            _download(engine, results, suffix, kind.title, where, [])
    st.caption(
        "For Excel, take the Excel file: it opens a CSV as if letters such as ä were others. In CSV, a text that a "
        "spreadsheet would run gets a ' before it; the others keep texts as they are."
    )


def _about_excel(rows: int) -> str | None:
    """What to know before so many rows are asked for; None where nothing is."""
    if rows > MOST_EXCEL_ROWS:
        return f"Excel holds {MOST_EXCEL_ROWS:,} rows."
    return "So many rows take a minute or two to be written; CSV and Parquet begin at once." if rows > _MANY else None


def _download(
    engine: GuardedEngine, results: Results, suffix: str, label: str, where: tuple[Filter, ...], columns: list[str]
) -> None:
    run, rows = results.run, results.count(where) if suffix == "xlsx" else 0
    octets, counted = engine.download_bytes(run.id, suffix, where, columns)
    about = f" · {'' if counted else 'about '}{size(octets)}" if octets else ""
    st.link_button(
        f"{label}{about}",
        keyed(download_path(run.id, engine.download_name(run.id, suffix), where, columns)),
        icon=":material/download:",
        type="tertiary",
        disabled=rows > MOST_EXCEL_ROWS,
        help=_about_excel(rows),
    )
