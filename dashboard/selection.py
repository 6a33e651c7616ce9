"""What the visitor has chosen to see of a run: filters in the page's address, the same for charts, table and gallery.

Every function that changes the selection is meant for a callback: the script that runs after it reads the new address.
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from dashboard.address import FILTER, read_filters, written
from engine import Filter, Results
from engine.views import ForecastLines

PAGES = ("page", "pictures")  # where in a list one is: nothing that outlives a change of the list
ROW = "row"


def chosen(results: Results) -> tuple[Filter, ...]:
    """The filters in the page's address that these results can answer."""
    return read_filters(st.query_params.get_all(FILTER), results.columns)[0]


def unread(results: Results) -> tuple[str, ...]:
    """A sentence for each filter in the page's address that these results cannot answer; not markdown."""
    return read_filters(st.query_params.get_all(FILTER), results.columns)[1]


def add(*filters: Filter) -> None:
    """Narrows the selection; a filter takes the place of one of the same kind on the same column."""
    replaced = {_kind(written(each)) for each in filters}
    kept = [value for value in st.query_params.get_all(FILTER) if _kind(value) not in replaced]
    _write([*kept, *map(written, filters)])


def remove(each: Filter) -> None:
    """Takes one filter away."""
    gone = written(each)
    _write([value for value in st.query_params.get_all(FILTER) if value != gone])


def clear() -> None:
    """Shows everything again."""
    _write([])


def key(name: str, *filters: Filter) -> str:
    """A widget's key that changes with the selection: what was marked in the old picture is not marked in the new."""
    return "|".join((name, *map(written, filters)))


def as_query(filters: Iterable[Filter]) -> list[tuple[str, str]]:
    """The filters as what a link to another page takes along."""
    return [(FILTER, written(each)) for each in filters]


def steps_ahead(results: Results) -> tuple[Filter, ...]:
    """What leaves the steps that were forecast, and no history; empty where the model forecasts nothing."""
    return tuple(Filter(view.forecast, "filled") for view in results.views if isinstance(view, ForecastLines))


def choose_row(row: int | None) -> None:
    """Writes the row that the visitor looks at into the address, or takes it out."""
    if row is None:
        st.query_params.pop(ROW, None)
    elif st.query_params.get(ROW) != str(row):
        st.query_params[ROW] = str(row)


def chosen_row(results: Results) -> int | None:
    """The row in the address, where these results have it."""
    asked = st.query_params.get(ROW, "")
    return int(asked) if asked.isdecimal() and 1 <= int(asked) <= results.run.rows_total else None


def _write(values: list[str]) -> None:
    if values:
        st.query_params[FILTER] = values
    else:
        st.query_params.pop(FILTER, None)
    for name in PAGES:
        st.query_params.pop(name, None)


def _kind(value: str) -> tuple[str, ...]:
    """What a filter in the address is about: its column, and whether it is a range, a set or a text."""
    column, op = (*value.split("~"), "", "")[:2]
    return column, "range" if op in ("between", "bin") else op
