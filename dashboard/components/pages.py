"""Pages of a long list; the page stands in the address."""

from __future__ import annotations

import streamlit as st


def show_pages(name: str, pages: int, of: str) -> int:
    """Asks for a page, kept in the address under `name`; gives its number from 1. `of` tells the lists apart."""
    asked = st.query_params.get(name, "")
    now = min(int(asked), pages) if asked.isdecimal() and int(asked) > 0 else 1
    key = f"{name}|{of}"

    def turn() -> None:
        st.query_params[name] = str(st.session_state[key])

    return st.pagination(pages, default=now, key=key, on_change=turn)


def first_page(name: str) -> None:
    """Goes back to the first page, as a list in another order begins there; for a callback."""
    st.query_params.pop(name, None)
