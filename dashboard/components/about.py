"""How a result came to be: the check of the files, the model and its hashes, and how to do it again."""

from __future__ import annotations

import shlex

import streamlit as st

from dashboard.components.preflight import headline_of
from dashboard.words import code, count, duration, plain, when
from engine import Engine, Run

_ICONS = {"fatal": ":red[:material/error:]", "rows": ":orange[:material/warning:]", "note": ":gray[:material/info:]"}
_MOST_PROBLEMS = 100


def show_about(engine: Engine, run: Run) -> None:
    """All that a reader of the result may want to check."""
    _report(run)
    _facts(run)
    st.subheader("Do it again", anchor=False)
    st.caption("The same prediction on the command line, in the folder where the files are:")
    st.code(command_line(run), language="bash", wrap_lines=True)


def command_line(run: Run) -> str:
    """What makes the same predictions in a terminal."""
    files = " ".join(shlex.quote(name) for name in run.sources[:20]) + (" …" if len(run.sources) > 20 else "")
    options = " --on-error report" if run.options.on_error == "report" else ""
    return f"python -m engine predict {shlex.quote(run.model_id)} {files} --output predictions.csv{options}"


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
        "Model": f"{plain(run.title)} ({plain(run.model_id)})",
        "Task": plain(run.task),
        "Files": count(len(run.sources), "file"),
        "Rows": f"{run.rows_done:,} done, {run.rows_failed:,} of them not predicted",
        "Speed": f"{duration(run.seconds)}, {run.rows_per_second:,.0f} rows a second",
        "Made": f"{run.created[:19].replace('T', ' ')} UTC, {when(run.created)}",
        "Faulty rows": "reported, the others predicted"
        if run.options.on_error == "report"
        else "would have been refused",
        "Run": code(run.id),
        "Card's SHA-256": code(run.card_sha256),
        "Checkpoint's SHA-256": code(run.checkpoint_sha256),
    }
    st.table({name: fact for name, fact in facts.items() if fact}, border="horizontal", alt="Facts of the run")
