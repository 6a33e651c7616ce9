"""The corner that says who is logged in, and lets them out."""

from __future__ import annotations

import streamlit as st

from dashboard.words import plain
from engine import Caller


def say_logged_out() -> None:
    """All that a page shows whose login has ended while it was open."""
    st.info("You are no longer logged in. Load the page again to log in.", icon=":material/lock:")


def show_account(caller: Caller) -> None:
    """Name, role and the way out, at the foot of the sidebar."""
    with st.sidebar, st.popover(plain(caller.name, 40), icon=":material/account_circle:", width="stretch"):
        st.caption("Host" if caller.operates else "Visitor")
        st.button("Log out", icon=":material/logout:", on_click=st.logout, type="tertiary")
