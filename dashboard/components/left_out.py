"""Which places of a picture, or which words, a prediction stands on: it is asked again without each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboard.access.callers import keyed, this_engine
from dashboard.charts.left_out import legend_html, picture_html, text_html
from dashboard.routes.fetching import picture_path
from dashboard.words import count
from engine import Part, Passage, Patch, Results, heat, influences

_KEPT = "why-left-out"


def show_left_out(results: Results, line: Mapping[str, Any], of: str, name: str) -> None:
    """The row's picture or texts, coloured by what becomes of column `of`, called `name`, without each part."""
    row = int(line["row"])
    parts, lines = _predicted(results, row)
    found = influences(parts, lines, of) if of in lines.columns else ()
    if not any(change for _, change in found):
        st.caption("No part alone moves this prediction.")
        return
    cells = heat([(part, change) for part, change in found if isinstance(part, Patch)])
    if cells:
        st.html(picture_html(cells, keyed(picture_path(results.run.id, row, small=False)), results.card, name))
        how = f"{count(len(parts), 'patch', 'patches')} painted over in the picture's mean colour, one at a time."
    else:
        for column in dict.fromkeys(part.column for part, _ in found if isinstance(part, Passage)):
            own = [(part, change) for part, change in found if isinstance(part, Passage) and part.column == column]
            st.html(text_html(own, str(line[column]), name))
        how = f"{count(len(parts), 'passage')} left out, one at a time."
    left = len(results.parts(line)) - len(parts)
    how += f" The model is too slow for {left:,} more." if left else ""
    st.html(legend_html(name, max(abs(change) for _, change in cells or found), how))


def _predicted(results: Results, row: int) -> tuple[tuple[Part, ...], pl.DataFrame]:
    """What was predicted without each part of the row; of the row looked at last it is kept."""
    key = (results.run.id, row)
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key:
        with st.spinner("Predicting without one part after the other …"):
            kept = key, this_engine().predict_without(*key)
        st.session_state[_KEPT] = kept
    found: tuple[tuple[Part, ...], pl.DataFrame] = kept[1]
    return found
