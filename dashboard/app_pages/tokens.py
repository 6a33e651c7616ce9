"""API tokens: what programs show instead of a login. Made here, shown once, taken back at any time."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.token_list import show_tokens
from engine import Scope

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
show_tokens(engine)
