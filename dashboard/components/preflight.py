"""The check before the prediction: what was found in the files, in sentences, and the one-click ways out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.upload import Files
from dashboard.words import count, plain, visible
from engine import ForelightError, GuardedEngine, ModelEntry, Problem, Report, Run

_MOST_PROBLEMS = 30
_ICONS = {"fatal": ":red[:material/error:]", "rows": ":orange[:material/warning:]", "note": ":gray[:material/info:]"}
_ROLES = {"input": "fed to the model", "order": "order of the rows", "label": "label, kept", "extra": "kept"}


def checked_run(engine: GuardedEngine, entry: ModelEntry, upload: Files) -> Run:
    """The run in state «checked» of these files; checks them once, and again when a column is renamed."""
    renames = renames_of(entry, upload)
    asked = (upload.id, entry.version, tuple(sorted(renames.items())))
    known: tuple[object, str] | None = st.session_state.get(_key(entry))
    if known is not None and known[0] == asked:
        return engine.run(known[1])
    forget_check(engine, entry)
    bar = st.progress(0.0, "Reading")

    def progress(stage: str, done: int, total: int) -> None:
        bar.progress(
            min(1.0, done / total) if total else 0.0, f"{plain(stage)} {done:,} of {total:,}" if total else plain(stage)
        )

    try:
        run = engine.check(
            entry.id, upload.sources, version=entry.version, renames=renames, keep_files=True, progress=progress
        )
    finally:
        bar.empty()
    st.session_state[_key(entry)] = (asked, run.id)
    return run


def forget_check(engine: GuardedEngine, entry: ModelEntry) -> None:
    """Deletes the checked run that is not wanted any more."""
    known = st.session_state.pop(_key(entry), None)
    if known is not None:
        try:
            if engine.run(known[1]).state == "checked":
                engine.delete(known[1])
        except ForelightError:
            return  # it is gone already


def renames_of(entry: ModelEntry, upload: Files) -> dict[str, str]:
    """Columns the visitor renamed: name in the file → name the model takes."""
    renames: dict[str, str] = st.session_state.setdefault(f"renames-{entry.id}-{upload.id}", {})
    return renames


def show_report(report: Report, entry: ModelEntry, upload: Files) -> None:
    """The headline, and every problem with its place and the way out of it."""
    _headline(report)
    shown = sorted(report.problems, key=lambda problem: list(_ICONS).index(problem.severity))
    if shown:
        with st.container(border=True, gap="small"):
            spare = [use.name for use in report.columns if use.role == "extra"]
            for number, problem in enumerate(shown[:_MOST_PROBLEMS]):
                _problem(problem, number, entry, upload, spare)
            if len(shown) > _MOST_PROBLEMS:
                st.caption(f"and {len(shown) - _MOST_PROBLEMS:,} more of the kind")
    _renames(report, entry, upload)


def headline_of(report: Report) -> str:
    """The report in one sentence."""
    missing = [problem for problem in report.problems if problem.code in ("missing-column", "misspelt-column")]
    if report.fatal and missing:
        return f"Cannot predict yet: {count(len(missing), 'column is', 'columns are')} missing"
    if report.fatal or not report.n_rows:
        return "Cannot predict these files"
    if report.n_good < report.n_rows:
        return f"{report.n_rows - report.n_good:,} of {count(report.n_rows, 'row')} cannot be predicted"
    return f"{count(report.n_rows, 'row')} ready"


def _headline(report: Report) -> None:
    if report.fatal or not report.n_good:
        st.error(f"**{headline_of(report)}**", icon=":material/block:")
    elif not report.clean:
        st.warning(f"**{headline_of(report)}**", icon=":material/warning:")
    else:
        st.success(f"**{headline_of(report)}**", icon=":material/check_circle:")


def _problem(problem: Problem, number: int, entry: ModelEntry, upload: Files, spare: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap=None):
            st.markdown(f"{_ICONS[problem.severity]} {plain(problem.message)}")
            if _place(problem):
                st.caption(plain(_place(problem)))
        if problem.rename is not None:
            old, new = problem.rename
            label = f"Rename '{plain(visible(old), 40)}' → '{plain(visible(new), 40)}'"
            if st.button(label, key=f"rename-{number}", type="primary"):
                renames_of(entry, upload)[old] = new
                st.rerun()
        elif problem.code == "missing-column" and spare:
            _ask_for_another(problem.expected, entry, upload, spare)


def _ask_for_another(missing: str, entry: ModelEntry, upload: Files, spare: Sequence[str]) -> None:
    """Which column of the file is the missing one, where the file calls it by a name of its own."""
    key = f"take-{entry.id}-{upload.id}-{missing}"

    def take() -> None:
        if st.session_state[key] is not None:
            renames_of(entry, upload)[st.session_state[key]] = missing

    label = f"The column that is '{plain(missing, 40)}'"
    st.selectbox(
        label,
        spare,
        index=None,
        placeholder="It is called …",
        key=key,
        on_change=take,
        width=220,
        label_visibility="collapsed",
    )


def _place(problem: Problem) -> str:
    """Where the problem is: file, column, first row, how many rows; what its sentence says already is left out."""
    if problem.severity == "note":
        return ""
    parts = [
        problem.file if problem.file not in problem.message else "",
        f"column {problem.column}" if problem.column not in problem.message else "",
        f"first in row {problem.row:,}" if problem.row is not None and problem.rows > 1 else "",
        f"row {problem.row:,}" if problem.row is not None and problem.rows <= 1 else "",
        count(problem.rows, "row") if problem.rows > 1 else "",
    ]
    return " · ".join(part for part in parts if part)


def _renames(report: Report, entry: ModelEntry, upload: Files) -> None:
    """All renames in one click where there are several, and the way back."""
    renames = renames_of(entry, upload)
    open_ones = dict(problem.rename for problem in report.problems if problem.rename is not None)
    with st.container(horizontal=True):
        if len(open_ones) > 1 and st.button(f"Rename all {len(open_ones)} columns", icon=":material/done_all:"):
            renames.update(open_ones)
            st.rerun()
        if renames and st.button("Undo the renames", icon=":material/undo:", type="tertiary"):
            renames.clear()
            st.rerun()


def show_columns(report: Report) -> None:
    """What each column of the file is used for; nothing where none is fed to the model."""
    fed = sum(use.role == "input" for use in report.columns)
    if not fed:
        return
    with st.expander(
        f"Columns: {fed} fed to the model, {len(report.columns) - fed} kept", icon=":material/view_column:"
    ):
        st.dataframe(
            {
                "Column": [use.name for use in report.columns],
                "Use": [_ROLES[use.role] for use in report.columns],
                "Type": [use.type for use in report.columns],
                "Unit": [use.unit for use in report.columns],
            },
            hide_index=True,
            height="content" if len(report.columns) <= 12 else 420,
            alt="What each column of the file is used for",
        )


def _key(entry: ModelEntry) -> str:
    return f"check-{entry.id}"
