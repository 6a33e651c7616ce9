"""The audit trail as a host reads it: who did what to which run, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import streamlit as st

from dashboard.routes.trail import namer, trail_path
from dashboard.words import count, plain
from engine import AuditSearch, GuardedEngine

_A_PAGE = 100


def people_of(engine: GuardedEngine) -> Callable[[str], str]:
    """Says who a visitor is: by the name of their login, else a mark that tells one browser from another."""
    return namer(engine.people())


def show_trail(engine: GuardedEngine, whose: Callable[[str], str]) -> None:
    """Found by person, action, day and run; a page at a time, the newest first; downloaded as it was found."""
    wanted = _ask_what(engine)
    found = engine.count_audit(wanted)
    if not found:
        st.info("Nothing like that was done.", icon=":material/search_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(count(found, "entry", "entries"))
        st.link_button("Download", trail_path(wanted), icon=":material/download:", type="tertiary", help="As CSV")
    slot = st.container()
    pages = -(-found // _A_PAGE)
    page = st.pagination(pages, key="trail-page") if pages > 1 else 1
    entries = engine.audit(wanted, limit=_A_PAGE, offset=(min(page, pages) - 1) * _A_PAGE)
    slot.dataframe(
        {
            "When (UTC)": [entry.at[:19].replace("T", " ") for entry in entries],
            "Who": [entry.visitor_name or whose(entry.visitor) for entry in entries],
            "Did": [entry.action for entry in entries],
            "Run": [entry.run_id for entry in entries],
            "Model": [entry.model_id for entry in entries],
            "More": [entry.detail for entry in entries],
        },
        hide_index=True,
        height="content" if len(entries) <= 16 else 600,
        alt="Who did what, the newest first",
    )


def _ask_what(engine: GuardedEngine) -> AuditSearch:
    people = engine.people()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        action = st.selectbox(
            "What", ["", *engine.audit_actions()], format_func=lambda each: plain(each) or "Everything", width=200,
            key="did", bind="query-params",
        )  # fmt: skip
        visitor = st.selectbox(
            "Who", ["", *people], format_func=lambda each: plain(people[each]) if each else "Everybody", width=260
        )
        since = st.date_input("Since", value=None, max_value=date.today(), format="YYYY-MM-DD", width=160)
        run_id = st.text_input("Run", key="about", bind="query-params", placeholder="its whole id", width=300)
    return AuditSearch(visitor or "", (run_id or "").strip(), action or "", since.isoformat() if since else "")
