"""What the visitor sees of the run, said in one line above it all: search, filters, and how many rows are left."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import selection
from dashboard.address import said
from dashboard.components.fragments import fragment_of_run
from dashboard.words import count, number, plain, with_unit
from engine import Filter, ResultColumn, Results

_SEARCH, _ADDING = "search", "add-filter"
_MOST_CHOICES = 50
_EMPTY = "(empty)"


def show_selection(results: Results) -> tuple[Filter, ...]:
    """Shows the filters of the address with a way to add, remove and clear them; gives them."""
    where = selection.chosen(results)
    for sentence in selection.unread(results):
        st.info(plain(sentence), icon=":material/link_off:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if any(column.dtype == "text" for column in results.columns):
            _search(where)
        adding = st.popover("Filter", icon=":material/filter_list:", on_change="rerun", key=_ADDING)
        if adding.open:
            with adding:
                _add(results, where)
        units = {column.name: column.unit for column in results.columns}
        for place, each in enumerate(where):
            st.button(
                plain(said(each, units.get(each.column, ""))),
                key=f"chip-{place}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this filter",
                on_click=selection.remove,
                args=(each,),
            )
        if len(where) > 1:
            st.button("Clear all", key="clear-filters", type="tertiary", on_click=selection.clear)
        if where:
            rows = results.count(where)
            st.markdown(f":small[**{rows:,}** of {count(results.n_rows, 'row')}]", width="content")
    return where


def _search(where: Sequence[Filter]) -> None:
    now = next((str(each.value[0]) for each in where if each.op == "search"), "")
    st.session_state[_SEARCH] = now
    st.text_input(
        "Search all texts",
        key=_SEARCH,
        placeholder="Search all texts",
        icon=":material/search:",
        label_visibility="collapsed",
        width=240,  # beside its button on a phone
        on_change=_searched,
        args=(now,),
    )


def _searched(before: str) -> None:
    text = st.session_state[_SEARCH].strip()
    if text:
        selection.add(Filter("", "search", (text,)))
    elif before:
        selection.remove(Filter("", "search", (before,)))


@fragment_of_run
def _add(results: Results, where: tuple[Filter, ...]) -> None:
    """Asks for a column, then for what its cells should be."""
    columns = {column.name: column for column in results.columns if column.dtype != "list"}
    name = st.selectbox("Column", list(columns), key="filter-column")
    each = _range(results, columns[name]) if columns[name].is_number else _texts(results, columns[name], where)
    if st.button(
        "Show these rows", type="primary", disabled=each is None, key="apply-filter", on_click=_added, args=(each,)
    ):
        st.rerun()


def _added(each: Filter | None) -> None:
    """Narrows the selection and closes what asked for the filter."""
    if each is not None:
        selection.add(each)
    st.session_state[_ADDING] = False


def _range(results: Results, column: ResultColumn) -> Filter | None:
    spread = results.quantiles(column.name)
    if not spread:
        st.caption("No row has a value here.")
        return None
    whole = column.dtype == "integer"
    low, high = (int(spread[end]) if whole else spread[end] for end in ("min", "max"))
    unit = plain(with_unit("", column.unit).strip())
    step = 1 if whole else None
    least = st.number_input(f"From {unit}", value=None, placeholder=number(low, 6), step=step, key="filter-least")
    most = st.number_input(f"To {unit}", value=None, placeholder=number(high, 6), step=step, key="filter-most")
    if least is None and most is None:
        return None
    if least is not None and most is not None and least > most:
        st.caption(f"{number(least)} is more than {number(most)}: no row is between them.")
        return None
    return Filter(column.name, "between", (least, most))


def _texts(results: Results, column: ResultColumn, where: tuple[Filter, ...]) -> Filter | None:
    """Some of its texts where they are few, else a part of them."""
    if not (column.few or column.dtype == "boolean"):
        part = st.text_input("Holds the text", key="filter-part", placeholder="upper or lower case")
        return Filter(column.name, "contains", (part.strip(),)) if part.strip() else None
    others = [each for each in where if each.column != column.name]
    counts = dict(results.value_counts(column.name, None, others, _MOST_CHOICES).iter_rows())
    chosen = st.multiselect(
        "Is one of",
        list(counts),
        key=f"filter-values-{column.name}",
        format_func=lambda value: f"{_EMPTY if value is None else plain(value)} · {counts[value]:,}",
        placeholder="choose",
    )
    return Filter(column.name, "in", tuple(chosen)) if chosen else None
