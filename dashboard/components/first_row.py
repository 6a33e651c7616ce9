"""Values to begin with where no row was chosen: those of the model's sample, else the card's examples."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Column, GuardedEngine, ModelEntry


def first_row(engine: GuardedEngine, entry: ModelEntry) -> tuple[dict[str, Any], str]:
    """(a value for each column of the signature, whose values these are); read once a session."""
    known: dict[str, tuple[dict[str, Any], str]] = st.session_state.setdefault("first-rows", {})
    if entry.id not in known:
        known[entry.id] = _read(engine, entry)
    return known[entry.id]


def _read(engine: GuardedEngine, entry: ModelEntry) -> tuple[dict[str, Any], str]:
    signature, samples = entry.usable_card().signature, engine.samples(entry.id)
    if not signature or not samples:
        return {column.name: _example(column) for column in signature}, "the card's example"
    run = engine.check(entry.id, engine.sample_sources(entry.id, samples[0].title))
    try:
        rows = engine.preview(run.id, 1) if not run.report.fatal else None
    finally:
        engine.delete(run.id)
    if rows is None or rows.is_empty():
        return {column.name: _example(column) for column in signature}, "the card's example"
    line = rows.row(0, named=True)
    return {column.name: line[column.name] for column in signature}, "the sample's first row"


def _example(column: Column) -> Any:
    if column.example is not None or not (column.range or column.categories):
        return column.example if column.example is not None else 0
    return column.categories[0] if column.categories else sum(column.range or ()) / 2
