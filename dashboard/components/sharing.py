"""Who else may see a run: nobody, whoever has a link, or all who may log in."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from dashboard.access.callers import KEY
from dashboard.words import day
from engine import GuardedEngine, Run, Share

_DAYS = {1: "1 day", 7: "7 days", 30: "30 days"}


@st.dialog("Share this run")
def share(engine: GuardedEngine, run: Run) -> None:
    """Makes links, opens the run to all, and takes both back."""
    if not engine.settings.login:
        st.markdown(
            "Whoever has this page's address sees the run, read-only: send it, and think of who it is sent on to."
        )
        st.code(_site() + _path(run.id), language=None)
        st.caption("There is no login here, so links do not expire. Deleting the run ends them.")
        return
    st.caption("Others see predictions, charts and downloads; they change nothing, and never get your files.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.selectbox("For", list(_DAYS), index=1, format_func=_DAYS.__getitem__, width=140, key="share-days")
        if st.button("Make a link", icon=":material/link:", type="primary"):
            _, key = engine.share_link(run.id, days)
            st.session_state["new-link"] = (run.id, _site() + _path(run.id, key))
        if st.button("Open to all who may log in", icon=":material/groups:"):
            engine.share_with_all(run.id, days)
    made = st.session_state.get("new-link")
    if made is not None and made[0] == run.id:
        st.success("Copy the link now: it is shown once.", icon=":material/content_copy:")
        st.code(made[1], language=None, wrap_lines=True)
    found = engine.shares(run.id)
    if not found:
        st.markdown(":material/lock: Only you see this run.")
    for each in found:
        _one(engine, each)


def _one(engine: GuardedEngine, each: Share) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        what = ":material/link: A link" if each.link else ":material/groups: All who may log in"
        st.markdown(f"{what} :small[:gray[until {day(each.expires)}]]", width="content")
        if st.button("Take back", icon=":material/link_off:", type="tertiary", key=f"unshare-{each.id}"):
            engine.unshare(each.run_id, each.id)
            st.session_state.pop("new-link", None)
            st.rerun(scope="fragment")


def _site() -> str:
    scheme, _, rest = (st.context.url or "").partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _path(run_id: str, key: str = "") -> str:
    return f"/result?{urlencode({'run': run_id, **({KEY: key} if key else {})})}"
