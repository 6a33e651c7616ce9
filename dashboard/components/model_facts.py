"""One model, as its card describes it and as it was found when it was loaded."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.new_version import offer_new_version
from dashboard.components.snippets import show_snippets
from dashboard.components.versions import show_versions
from dashboard.failures import shown_failures
from dashboard.glossary import meaning
from dashboard.routes.fetching import template_path
from dashboard.words import code, count, number, plain, size
from engine import GuardedEngine, LabelSets, ModelCard, ModelEntry, task_of


def show_model(engine: GuardedEngine, entry: ModelEntry) -> None:
    """Everything a visitor may ask about the model, the use of it first."""
    card = entry.usable_card()
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(plain(card.title), anchor=False, width="content")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            link = template_path(entry.id)
            st.link_button("Download a template", link, icon=":material/download:", type="tertiary")
            if st.button("Predict with it", icon=":material/bolt:", type="primary"):
                st.switch_page("app_pages/predict.py", query_params={"model": entry.id})
    st.markdown(plain(card.description, most=4_000))
    _figures(card)
    show_versions(engine, entry)
    offer_new_version(engine, entry)
    _needs(card)
    _gives(card)
    _inside(engine, entry, card)
    st.subheader("From a program", anchor=False)
    show_snippets(entry, card)


def show_broken(entries: Sequence[ModelEntry]) -> None:
    """The models that cannot be used, each with what is wrong; the others work."""
    if not entries:
        return
    st.subheader(f"{count(len(entries), 'model')} cannot be used", anchor=False)
    for entry in entries:
        st.error(f"**{plain(entry.id)}**: {plain(entry.error, most=2_000)}", icon=":material/error:")


def _figures(card: ModelCard) -> None:
    if not card.figures:
        return
    with st.grid(4, min_column_width=190):
        for figure in card.figures:
            value = plain(f"{number(figure.value, 3)} {figure.unit}".strip())
            with st.container(border=True, height="stretch"):
                st.metric(plain(figure.name), value, help=meaning(figure.name) or None)
                if figure.data:
                    st.caption(f"measured on {plain(figure.data)}")


def _needs(card: ModelCard) -> None:
    st.subheader("What it needs", anchor=False)
    for sentence in task_of(card).inputs.needs(card):
        st.markdown(plain(sentence))
    if not card.signature:
        return
    told: dict[str, list[str]] = {
        "Column": [column.name for column in card.signature],
        "Type": [column.type for column in card.signature],
        "Unit": [column.unit for column in card.signature],
        "Valid": [_valid(column.range, column.categories) for column in card.signature],
        "What it is": [column.description for column in card.signature],
    }
    st.dataframe(
        {name: cells for name, cells in told.items() if any(cells)},
        hide_index=True,
        height="content" if len(card.signature) <= 16 else 600,
        alt=f"Columns that {card.title} needs",
    )


def _valid(interval: tuple[float, float] | None, categories: Sequence[str]) -> str:
    if interval is not None:
        return f"{number(interval[0])} to {number(interval[1])}"
    return ", ".join(categories) if categories else ""


def _gives(card: ModelCard) -> None:
    st.subheader("What it gives", anchor=False)
    if card.labels:
        named = ", ".join(card.labels[:40]) + (f" and {len(card.labels) - 40:,} more" if len(card.labels) > 40 else "")
        several = isinstance(task_of(card).outputs.predicted(card, ()), LabelSets)
        number = count(len(card.labels), "label") if several else count(len(card.labels), "class", "classes")
        what = f"Any of {number}" if several else f"One of {number}"
        st.markdown(f"{what} a row: {plain(named, most=2_000)}\\.")
    if card.dimensions is not None:
        st.markdown(f"An embedding of {count(card.dimensions, 'figure')} a row: rows that are alike get similar ones.")
    if card.forecast is not None:
        step = f"{card.forecast.horizon} {card.sequence.step_unit if card.sequence else ''}".strip()
        st.markdown(
            f"The next {plain(step)} of **{plain(card.forecast.of)}**: {plain(', '.join(card.forecast.columns))}"
        )
    for output in card.outputs:
        unit = f", in {plain(output.unit)}" if output.unit else ""
        what = f": {plain(output.description)}" if output.description else ""
        st.markdown(f"**{plain(output.name)}**{unit}{what}")


def _inside(engine: GuardedEngine, entry: ModelEntry, card: ModelCard) -> None:
    """What is known once the model is loaded; where it cannot be loaded, why."""
    st.subheader("Inside", anchor=False)
    with shown_failures():
        with st.spinner("Loading the model"):
            facts = engine.facts(entry.id, entry.version)
        table = {
            "Parameters": f"{facts.parameters:,}",
            "Checkpoint": size(entry.checkpoint_bytes),
            "Class": code(card.module),
            "Hyper-parameters": plain(", ".join(f"{name} = {value}" for name, value in facts.hyper_parameters.items())),
            "Precision": plain(card.precision),
            "Source": plain(card.source),
            "Licence": plain(card.license),
        }
        st.table({name: text for name, text in table.items() if text}, border="horizontal", alt="What the model is")
        for sentence in facts.found:
            st.markdown(f":green[:material/check:] {plain(sentence)}")
