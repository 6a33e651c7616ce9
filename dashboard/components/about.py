"""How a result came to be: the check of the files, the model and its hashes, and how to do it again."""

from __future__ import annotations

import streamlit as st

from dashboard.components.preflight import headline_of
from dashboard.words import code, count, duration, plain, when
from engine import GuardedEngine, Run, repeat

_ICONS = {"fatal": ":red[:material/error:]", "rows": ":orange[:material/warning:]", "note": ":gray[:material/info:]"}
_MOST_PROBLEMS = 100
_MOST_FILES = 1_000


def show_about(engine: GuardedEngine, run: Run) -> None:
    """All that a reader of the result may want to check."""
    _report(run)
    _facts(run)
    st.subheader("Do it again", anchor=False)
    steps = repeat(run)
    terminal, python, versions = st.tabs(["In a terminal", "In Python", "Versions and hashes"])
    with terminal:
        st.caption("In the folder where the files are:")
        st.code(steps.command, language="bash", wrap_lines=True)
    with python:
        st.code(steps.python, language="python", wrap_lines=True)
    with versions:
        st.table(
            {plain(name): plain(number) for name, number in steps.versions.items()},
            border="horizontal",
            alt="Versions of the packages that predicted",
        )
        if run.sources:
            hashed = list(zip(run.sources, run.source_sha256, strict=True))[:_MOST_FILES]
            st.dataframe(
                {"File": [name for name, _ in hashed], "SHA-256": [sha256 for _, sha256 in hashed]},
                hide_index=True,
                alt="SHA-256 of the files",
            )


def _report(run: Run) -> None:
    st.subheader("What the check found", anchor=False)
    st.markdown(f"**{headline_of(run.report)}**")
    for problem in run.report.problems[:_MOST_PROBLEMS]:
        st.markdown(f"{_ICONS[problem.severity]} {plain(problem.message)}")
    if not run.report.problems:
        st.markdown(":green[:material/check:] Nothing to report: every cell was as the model needs it.")


def _facts(run: Run) -> None:
    st.subheader("Run", anchor=False)
    facts = {
        "Model": f"{plain(run.title)} ({plain(run.model_id)}), version {plain(run.version)}",
        "Task": plain(run.task),
        "Files": count(len(run.sources), "file"),
        "Rows": f"{run.rows_done:,} done, {run.rows_failed:,} of them not predicted",
        "Speed": f"{duration(run.seconds)}, {run.rows_per_second:,.0f} rows a second",
        "Made": f"{run.created[:19].replace('T', ' ')} UTC, {when(run.created)}",
        "Faulty rows": "reported, the others predicted"
        if run.options.on_error == "report"
        else "would have been refused",
        "Run": code(run.id),
        "SHA-256 of card and code": code(run.card_sha256),
        "Checkpoint's SHA-256": code(run.checkpoint_sha256),
    }
    st.table({name: fact for name, fact in facts.items() if fact}, border="horizontal", alt="Facts of the run")
