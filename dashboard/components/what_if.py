"""What if: values set by hand and predicted at each change, beside what they began with; variants kept and saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.fragments import fragment_as_asked
from dashboard.components.outcome import (
    answers,
    good_line,
    outcome_columns,
    save_or_forget,
    show_outcome,
    show_problems,
    shown_value,
)
from dashboard.components.picture_form import show_picture_form
from dashboard.components.value_form import ask_for_values
from dashboard.failures import shown_failures
from dashboard.typed import Values, predict_values, start_run
from dashboard.words import count, plain, with_unit
from engine import GuardedEngine, ModelEntry, Results, task_of

_FORM_HEIGHT = 620
_MANY_FIELDS = 12


@dataclass(frozen=True, slots=True)
class Variant:
    """Values that were tried, and the line that came out."""

    values: Values
    line: Mapping[str, Any]


def show_what_if_of_row(results: Results, line: Mapping[str, Any]) -> None:
    """The form, beginning with the row's own values, where the visitor wants it."""
    st.subheader("What if", anchor=False)
    with shown_failures():
        engine = this_engine()
        entry = engine.model(results.run.model_id, results.run.version)
        if not has_form(entry):
            st.caption(NO_FORM)
        elif st.toggle(_INVITES[entry.usable_card().image is None], key="what-if", bind="query-params"):
            start = {column.name: line.get(column.name) for column in entry.usable_card().signature}
            show_form(entry, start, f"{results.run.id}-{line['row']}", f"row {line['row']:,}", results)


_INVITES = {True: "Change the values and see what comes out", False: "Drop another picture and see what comes out"}
NO_FORM = (
    "This model takes a whole series of steps; typing one by hand would make little sense. Bring a file: "
    "the template on the Predict page shows its form."
)


def has_form(entry: ModelEntry) -> bool:
    """Whether a person can sensibly give the model's input by hand."""
    return not task_of(entry.usable_card()).inputs.has_steps


def offer_typing(entry: ModelEntry) -> None:
    """The way to a prediction without any file; nothing where that makes no sense."""
    if has_form(entry):
        label = "Type values instead of a file" if entry.usable_card().image is None else "Try a single picture"
        link = {"model": entry.id} | ({} if entry.is_default else {"version": entry.version})
        st.page_link("app_pages/try_it.py", label=label, icon=":material/tune:", query_params=link)


def show_form(entry: ModelEntry, start: Values, key: str, origin: str, of: Results | None = None) -> None:
    """Fields for a model's columns that begin with `start`, or a drop for pictures; `origin` says whose values.

    Where they are of a run, `of` are its results: the form is there as long as who looks may see them.
    """
    if entry.usable_card().image is not None:
        show_picture_form(of, entry, key)
    else:
        _show_value_form(of, entry, start, key, origin)


@fragment_as_asked
def _show_value_form(
    engine: GuardedEngine, of: Results | None, entry: ModelEntry, start: Values, key: str, origin: str
) -> None:
    card, kept = entry.usable_card(), _kept(key)
    outcome, form = st.columns([2, 3], gap="medium")
    with form:
        values = _fields(entry, start, key)
    changed = _changes(start, values)
    before, now = _baseline(engine, entry, start, key), predict_values(engine, entry, (values,))
    line = good_line(now)
    with outcome:
        st.markdown(f"**{plain(_said(changed, origin))}**")
        show_problems(now)
        if line is not None:
            columns = outcome_columns(card, now[1])
            show_outcome(line, columns, card.labels, f"outcome-{key}", before if changed else None)
        label = "Keep this variant"
        if st.button(label, icon=":material/bookmark_add:", disabled=line is None or not changed, key=f"keep-{key}"):
            kept.append(Variant(values, line or {}))
    _show_variants(engine, entry, start, before, kept, key)


def _fields(entry: ModelEntry, start: Values, key: str) -> dict[str, object]:
    """The fields, and above them the ways to type and to begin again."""
    signature = entry.usable_card().signature
    round_key = f"what-if-round-{key}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        slid = any(column.is_number for column in signature)
        exact = slid and st.toggle("Type exact numbers", key=f"exact-{key}")
        if st.button("Begin again", icon=":material/undo:", type="tertiary", key=f"again-{key}"):
            st.session_state[round_key] = st.session_state.get(round_key, 0) + 1
    high: int | Literal["content"] = _FORM_HEIGHT if len(signature) > _MANY_FIELDS else "content"
    with st.container(border=True, height=high):
        return ask_for_values(signature, start, f"{key}-{st.session_state.get(round_key, 0)}", exact)


def _baseline(engine: GuardedEngine, entry: ModelEntry, start: Values, key: str) -> Mapping[str, Any] | None:
    """What comes out for the values at the beginning, predicted once; None where they cannot be predicted."""
    known: dict[str, Mapping[str, Any] | None] = st.session_state.setdefault("what-if-baselines", {})
    if key not in known:
        known[key] = good_line(predict_values(engine, entry, (start,)))
    return known[key]


def _changes(start: Values, values: Values) -> list[str]:
    """ "bmi 21.5 → 30" for each value that is another one; not markdown."""
    return [
        f"{name} {shown_value(start.get(name))} → {shown_value(value)}"
        for name, value in values.items()
        if value != start.get(name)
    ]


def _said(changed: Sequence[str], origin: str) -> str:
    return f"With {count(len(changed), 'value')} changed" if changed else f"As in {origin}"


def _show_variants(
    engine: GuardedEngine,
    entry: ModelEntry,
    start: Values,
    before: Mapping[str, Any] | None,
    kept: list[Variant],
    key: str,
) -> None:
    """The kept variants under the line they began with, and the ways to save or forget them."""
    if not kept:
        return
    st.markdown(f"**{count(len(kept), 'variant')}**")
    frame = pl.DataFrame([variant.line for variant in kept], infer_schema_length=None)
    columns = answers(outcome_columns(entry.usable_card(), frame), entry.usable_card().labels)
    lines = [before or {}, *(variant.line for variant in kept)]
    said = ["the beginning", *(", ".join(_changes(start, variant.values)) for variant in kept)]
    shown = {with_unit(each.name, each.unit): [shown_value(line.get(each.name)) for line in lines] for each in columns}
    st.dataframe(
        {"What changed": said, **shown}, hide_index=True, height="content", alt="The variants and what came out"
    )
    rows = [start, *(variant.values for variant in kept)]
    save_or_forget(kept, "Save the variants as a new run", lambda: start_run(engine, entry, rows), key)


def _kept(key: str) -> list[Variant]:
    variants: list[Variant] = st.session_state.setdefault(f"variants-{key}", [])
    return variants
