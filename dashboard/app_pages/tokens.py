"""API tokens: what programs show instead of a login. Made here, shown once, taken back at any time."""

from __future__ import annotations

import streamlit as st

from dashboard.callers import this_engine
from dashboard.words import day, plain
from engine import Scope, Token

_SCOPES: dict[Scope, str] = {
    "models": "models: list models and what they take",
    "read": "read: see my runs, download results",
    "run": "run: upload, predict, cancel, delete",
    "operate": "operate: what hosts do",
}
_DAYS = {7: "7 days", 30: "30 days", 90: "90 days", 366: "a year"}

engine = this_engine()
st.title("API tokens", anchor=False)
st.caption("For programs: sent as `Authorization: Bearer …`. A token can do what you can, as far as its scopes go.")
with st.form("make", border=True):
    name = st.text_input("Name", placeholder="nightly scoring", max_chars=100)
    offered = [scope for scope in _SCOPES if scope != "operate" or engine.caller.operates]
    scopes = st.multiselect("May", offered, ["models", "read", "run"], format_func=_SCOPES.__getitem__)
    days = st.selectbox("For", list(_DAYS), index=1, format_func=_DAYS.__getitem__, width=160)
    if st.form_submit_button("Make a token", type="primary", icon=":material/key:"):
        _, words = engine.make_token(name, scopes, days)
        st.session_state["new-token"] = words
if "new-token" in st.session_state:
    st.success("Copy the token now: it is shown once, and kept here as a hash only.", icon=":material/content_copy:")
    st.code(st.session_state.pop("new-token"), language=None, wrap_lines=True)


def _row(token: Token) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            whose = f" · {plain(token.visitor_name)}" if engine.caller.operates and token.visitor_name else ""
            st.markdown(f"**{plain(token.name, 100)}**{whose}")
            used = f"last used {day(token.used)}" if token.used else "never used"
            st.caption(f"{', '.join(token.scopes)} · until {day(token.expires)} · {used}")
        if st.button("Revoke", icon=":material/delete:", type="tertiary", key=f"revoke-{token.id}"):
            engine.revoke_token(token.id)
            st.rerun()


found = engine.tokens()
if not found:
    st.info("You have no token.", icon=":material/key_off:")
for each in found:
    _row(each)
