"""A visitor's runs: found by words, model, state and date; a card each, and how much room they take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.run_edit import show_edit
from dashboard.components.run_title import files_of, show_badge, version_of
from dashboard.words import count, duration, plain, size, when
from engine import GuardedEngine, Run, Search

_A_PAGE = 20
_SECONDS_BETWEEN_LOOKS = 1.0
_STATES: dict[str, tuple[str, ...]] = {
    "Waiting": ("queued",),
    "Running": ("running",),
    "Done": ("done",),
    "Cancelled": ("cancelled",),
    "Failed": ("failed", "interrupted"),
}


def ask_what(engine: GuardedEngine) -> Search:
    """The search that the fields above the list make; it stands in the address."""
    titles = {entry.id: entry.card.title for entry in engine.models() if entry.card is not None}
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs-search"):
        text = st.text_input(
            "Search", key="q", bind="query-params", placeholder="name, note, file, model", icon=":material/search:",
            width=280,
        )  # fmt: skip
        model_id = st.selectbox(
            "Model", ["", *titles], format_func=lambda each: plain(titles[each]) if each else "All models", width=220,
            key="of", bind="query-params",
        )  # fmt: skip
        days = st.date_input("From – to", [], format="YYYY-MM-DD", key="days", width=270)
    words = st.pills("State", list(_STATES), selection_mode="multi", key="state", label_visibility="collapsed")
    since, until = _between(days)
    states = tuple(state for word in words or () for state in _STATES[word])
    return Search(states=states, model_id=model_id or "", text=text or "", since=since, until=until)


def show_runs(engine: GuardedEngine, search: Search, whose: Callable[[str], str] | None = None) -> None:
    """The runs that are wanted, a page at a time; looked at again each second while one of them is not over.

    One's own; everybody's where `whose` says who a visitor is, as it may for hosts.
    """
    found = (engine.count_runs if whose is None else engine.count_all_runs)(search)
    if not found:
        st.info("No run is like that. Take something out of the search.", icon=":material/search_off:")
        return
    pages = max(1, -(-found // _A_PAGE))
    st.caption(count(found, "run"))
    slot = st.container()
    page = st.pagination(pages, key="runs-page") if pages > 1 else 1
    offset = (min(page, pages) - 1) * _A_PAGE

    def find(engine: GuardedEngine) -> tuple[Run, ...]:
        return (engine.runs if whose is None else engine.all_runs)(search, limit=_A_PAGE, offset=offset)

    busy = any(not run.ended for run in find(engine))

    @st.fragment(run_every=_SECONDS_BETWEEN_LOOKS if busy else None)
    def cards() -> None:
        engine = this_engine()  # as who looks may use it by then
        runs = find(engine)
        if busy and all(run.ended for run in runs):
            st.rerun()
        with st.container(gap="xsmall"):
            for run in runs:
                _card(engine, run, "" if whose is None else whose(run.visitor))

    with slot:
        cards()


def show_shared(engine: GuardedEngine) -> None:
    """The runs of others that all who may log in can see."""
    found = engine.shared_runs()
    if found:
        st.subheader("Shared with me", anchor=False)
        with st.container(gap="xsmall"):
            for run in found:
                _card(engine, run)


def show_storage(engine: GuardedEngine) -> None:
    """How much of the room for runs is taken, and when a run goes by itself."""
    room = engine.storage()
    most = min(room.cap, room.used + room.free)
    days = engine.settings.keep_days
    told = f"**{size(room.used)}** of {size(most)} for runs taken. A run is deleted after {days:g} days; sooner where "
    st.progress(min(1.0, room.used / most if most else 1.0), f"{told}room is short, the oldest first.")


def _card(engine: GuardedEngine, run: Run, whose: str = "") -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(run.name or files_of(run), 80)}**", width="content")
                show_badge(run)
            facts = _facts(engine, run)
            st.caption(" · ".join([plain(whose), *facts] if whose else facts))
            if run.note:
                st.caption(f":material/sticky_note_2: {plain(run.note, 200)}")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="xsmall"):
            st.page_link(
                "app_pages/result.py", label="Open", icon=":material/open_in_new:", query_params={"run": run.id}
            )
            if not (engine.is_mine(run) or whose):
                return
            if run.ended:
                show_edit(engine, run)
            elif st.button("Cancel", icon=":material/stop_circle:", type="tertiary", key=f"cancel-{run.id}"):
                engine.cancel(run.id)


def _facts(engine: GuardedEngine, run: Run) -> list[str]:
    """What tells a run from others, short."""
    done = f"{run.rows_done:,} of {count(run.rows_total, 'row')}" if not run.ended or run.partial else ""
    left = f"{duration(run.seconds_left)} left" if run.seconds_left is not None else ""
    place = f"{count(run.place.ahead, 'run')} before it" if run.place is not None else ""
    failed = f"{run.rows_failed:,} not predicted" if run.rows_failed else ""
    took = f"took {duration(run.seconds)}" if run.state == "done" else ""
    weight = size(run.bytes) if run.ended else ""
    facts = [
        plain(f"{run.title} {version_of(engine, run)}"),
        done or count(run.rows_total, "row"),
        failed,
        place,
        left,
        took,
        weight,
        when(run.created),
    ]
    return [fact for fact in facts if fact]


def _between(days: object) -> tuple[str, str]:
    """The first day and the one after the last, ISO 8601; "" where none is chosen."""
    chosen = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    since = chosen[0].isoformat() if chosen else ""
    return since, (chosen[1] + timedelta(days=1)).isoformat() if len(chosen) == 2 else ""
