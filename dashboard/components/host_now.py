"""How the server stands now: figures, whose turn it is, and what each worker does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.run_title import files_of, show_badge
from dashboard.words import count, duration, plain, size
from engine import GuardedEngine, Run, Search, Standing, Storage, WorkerState

_SECONDS_BETWEEN_LOOKS = 2.0
_MOST_SHOWN = 50
_JOBS = {
    "predict": "predicts",
    "find_batch_size": "looks for the best batch size",
    "predict_now": "predicts a few rows at once",
    "describe": "loads a model",
    "ingest": "reads files",
    "judge": "judges predictions",
    "write": "writes a workbook",
}
Whose = Callable[[str], str]


@st.fragment(run_every=_SECONDS_BETWEEN_LOOKS)
def show_now(whose: Whose) -> None:
    """Looked at again every other second, as who looks may by then."""
    engine = this_engine()
    standing, workers = engine.standing(), engine.workers()
    _figures(standing, engine.storage(), workers)
    _queue(engine, standing, whose)
    _workers(workers)
    st.caption("For machines: `/healthz`, `/readyz` and, for hosts, `/metrics`.")


def _figures(standing: Standing, storage: Storage, workers: Sequence[WorkerState]) -> None:
    restarts = sum(worker.restarts for worker in workers)
    alive = sum(worker.pid is not None for worker in workers)
    figures = {
        "Running": f"{len(standing.serving):,}",
        "Waiting": f"{len(set(standing.waiting) - set(standing.serving)):,}",
        "Workers": f"{alive} of {len(workers)}",
        "Replaced": count(restarts, "time"),
        "Runs take": size(storage.used),
        "Uploads take": size(storage.uploads),
        "Disk has left": size(storage.free),
    }
    with st.container(horizontal=True):
        for name, figure in figures.items():
            st.metric(name, figure, border=True, width=150)


def _queue(engine: GuardedEngine, standing: Standing, whose: Whose) -> None:
    st.subheader("Queue", anchor=False)
    runs = {run.id: run for run in engine.all_runs(Search(states=("queued", "running")), limit=_MOST_SHOWN)}
    order = [*standing.serving, *(each for each in standing.waiting if each not in standing.serving)]
    here = [runs[run_id] for run_id in order if run_id in runs]
    elsewhere = [run for run in runs.values() if run.id not in order]
    if not here and not elsewhere:
        st.info("Nothing waits.", icon=":material/done_all:")
    for place, run in enumerate(here, 1):
        _turn(engine, run, f"{place}.", whose)
    for run in elsewhere:
        _turn(engine, run, "on another server or about to begin:", whose)


def _turn(engine: GuardedEngine, run: Run, place: str, whose: Whose) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"{plain(place)} **{plain(run.name or files_of(run), 80)}**", width="content")
                show_badge(run)
            left = f"{duration(run.seconds_left)} left" if run.seconds_left is not None else ""
            done = f"{run.rows_done:,} of {count(run.rows_total, 'row')}"
            st.caption(" · ".join(filter(None, (plain(whose(run.visitor)), plain(run.title), done, left))))
        with st.container(horizontal=True, width="content", gap="xsmall"):
            st.page_link(
                "app_pages/result.py", label="Open", icon=":material/open_in_new:", query_params={"run": run.id}
            )
            if st.button("Stop", icon=":material/stop_circle:", type="tertiary", key=f"stop-{run.id}"):
                engine.cancel(run.id)


def _workers(workers: Sequence[WorkerState]) -> None:
    st.subheader("Workers", anchor=False)
    st.dataframe(
        {
            "Worker": [worker.name for worker in workers],
            "Process": [worker.pid for worker in workers],
            "Does": [_JOBS.get(worker.job, worker.job) or ("waits" if worker.pid else "–") for worker in workers],
            "For": [duration(worker.seconds) if worker.job else "" for worker in workers],
            "Run": [worker.run_id[:8] for worker in workers],
            "Memory": [size(worker.memory) if worker.memory else "" for worker in workers],
            "Replaced": [worker.restarts for worker in workers],
        },
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={"Process": st.column_config.NumberColumn(format="%d")},
        alt="What each worker process does",
    )
