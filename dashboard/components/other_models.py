"""The models that take what the chosen one does not: one click goes there, and takes the files along."""

from __future__ import annotations

import streamlit as st

from dashboard.components.model_cards import turn_to
from dashboard.components.preflight import forget_check
from dashboard.components.upload import Files, hand_over
from dashboard.words import plain
from engine import GuardedEngine, ModelEntry, Report, takes

_MOST = 4


def offer_other_models(
    engine: GuardedEngine, entry: ModelEntry, upload: Files, key: str, report: Report | None = None
) -> None:
    """The way to models of such files, or, by the `report`, of all these columns; nothing where this one or none fits.

    `key` is that of the choice among models.
    """
    names = [source.name for source in upload.sources]
    if not _takes_some(entry, names):
        said, others = "Models that take such files:", [each for each in engine.models() if _takes_some(each, names)]
    elif report is not None and report.fatal:
        columns = {_bare(use.name) for use in report.columns}
        said, others = "Models of these columns:", [each for each in engine.models() if _is_of(each, columns)]
    else:
        return
    others = [each for each in others if each.id != entry.id][:_MOST]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(said, width="content")
        for each in others:
            st.button(
                plain(each.usable_card().title),
                icon=":material/deployed_code:",
                key=f"instead-{each.id}",
                on_click=_go,
                args=(engine, entry, each, key),
            )


def _go(engine: GuardedEngine, entry: ModelEntry, other: ModelEntry, key: str) -> None:
    forget_check(engine, entry)
    hand_over(entry, other)
    turn_to(other, key)


def _takes_some(entry: ModelEntry, names: list[str]) -> bool:
    return entry.card is not None and any(takes(entry.card, name) for name in names)


def _is_of(entry: ModelEntry, columns: set[str]) -> bool:
    wanted = {_bare(column.name) for column in entry.card.signature} if entry.card is not None else set()
    return bool(wanted) and wanted <= columns


def _bare(name: str) -> str:
    return name.strip().casefold()
