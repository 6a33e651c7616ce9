"""API tokens that there are: what they may, until when, and the way to take them back. Hosts see everybody's."""

from __future__ import annotations

import streamlit as st

from dashboard.words import day, plain
from engine import GuardedEngine, Token


def show_tokens(engine: GuardedEngine, nothing: str = "You have no token.") -> None:
    """A card each; `nothing` is said where there is none."""
    found = engine.tokens()
    if not found:
        st.info(nothing, icon=":material/key_off:")
    for each in found:
        _card(engine, each)


def _card(engine: GuardedEngine, token: Token) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            whose = f" · {plain(token.visitor_name)}" if engine.caller.operates and token.visitor_name else ""
            st.markdown(f"**{plain(token.name, 100)}**{whose}")
            used = f"last used {day(token.used)}" if token.used else "never used"
            st.caption(f"{', '.join(token.scopes)} · until {day(token.expires)} · {used}")
        if st.button("Revoke", icon=":material/delete:", type="tertiary", key=f"revoke-{token.id}"):
            engine.revoke_token(token.id)
            st.rerun()
