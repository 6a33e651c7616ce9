"""Two runs on the same rows: how far they agree, where they differ most, and how right each was."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboard import evaluation_charts as charts
from dashboard.components.judging import class_figures, draw, known, show_cards, value_figures
from dashboard.components.run_title import files_of
from dashboard.words import count, number, plain, short, when, with_unit
from engine import (
    ClassComparison,
    ClassEvaluation,
    Engine,
    Results,
    Run,
    ValueComparison,
    ValueEvaluation,
    compare,
    evaluation_of,
)

_MOST_POINTS = 4_000
_MOST_DIFFERENCES = 100


def others_like(run: Run, runs: Sequence[Run]) -> list[Run]:
    """The finished runs that may be about the same rows: as many rows, those with the same files first."""
    alike = [other for other in runs if other.id != run.id and other.ended and other.rows_total == run.rows_total]
    return sorted(alike, key=lambda other: other.sources != run.sources)


def choose_other(engine: Engine, run: Run, chosen: str) -> str:
    """Asks which run to compare with; "" where there is none."""
    others = {other.id: other for other in others_like(run, engine.runs())}
    if not others:
        st.info(
            f"There is no other run on {count(run.rows_total, 'row')}. Predict the same file with another model, or "
            "with another version of this one, and come back.",
            icon=":material/compare_arrows:",
        )
        return ""
    ids = list(others)
    place = ids.index(chosen) if chosen in others else 0
    return str(
        st.selectbox("Compare with", ids, place, format_func=lambda run_id: named(others[run_id]), key="compare-with")
    )


def named(run: Run) -> str:
    """The run for a list of runs."""
    return f"{plain(run.title)} · {plain(files_of(run))} · {when(run.created)} · {run.id[:6]}"


def show_comparison(a: Results, b: Results) -> None:
    """Everything about the two; raises NotComparable where they are not about the same rows."""
    comparison = compare(a, b)
    names = _names(a.run, b.run)
    if isinstance(comparison, ClassComparison):
        _show_classes(comparison, names)
    else:
        _show_values(comparison, names)
    _show_metrics(a, b, names)


def _names(a: Run, b: Run) -> tuple[str, str]:
    """How the two are called: by their models, else by their numbers; not markdown."""
    if a.title != b.title:
        return short(a.title, 28), short(b.title, 28)
    return f"{short(a.title, 20)} {a.id[:6]}", f"{short(b.title, 20)} {b.id[:6]}"


def _show_classes(comparison: ClassComparison, names: tuple[str, str]) -> None:
    agreement = comparison.agreement
    other = agreement.rows - round(agreement.share * agreement.rows)
    show_cards(
        [
            ("Agreement", f"{agreement.share:.1%}", "The share of rows that got the same class from both."),
            ("Different class", f"{other:,}", "Rows that got another class from the second run than from the first."),
        ],
        agreement.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        st.subheader("Class by class", anchor=False)
        cells = {(one, two): rows for one, two, rows in agreement.pairs.iter_rows()}
        labels = comparison.labels[: charts.MOST_CLASSES]
        figure = charts.matrix_figure(labels, labels, cells, names, share=False)
        alt = charts.matrix_alt(f"Classes by {names[0]} against those by {names[1]}", cells)
        draw(figure, alt, "pairs")
        st.caption("On the diagonal both say the same.")
    with sides.container(border=True, height="stretch"):
        gap = "gap" if comparison.has_gap else ""
        _show_differences(comparison.differences(_MOST_DIFFERENCES), names, gap, "largest gap in probability")


def _show_values(comparison: ValueComparison, names: tuple[str, str]) -> None:
    words = {pair: pair[0] if pair[0] == pair[1] else f"{pair[0]} with {pair[1]}" for pair in comparison.pairs}
    pairs = list(comparison.pairs)
    pair = st.selectbox("Values", pairs, format_func=lambda pair: plain(words[pair]), width=400) if pairs[1:] else None
    pair = pair or pairs[0]
    unit = {column.name: column.unit for column in comparison.a.columns}.get(pair[0], "")
    behind = f" {plain(unit)}" if unit else ""
    agreement = comparison.agreement(pair, comparison.tolerance(pair))
    correlation = "–" if agreement.correlation is None else f"{agreement.correlation:.4f}"
    near = number(agreement.tolerance, 2) + behind
    show_cards(
        [
            (
                "Agreement",
                f"{agreement.share:.1%}",
                f"The share of rows that differ by at most {near}: a hundredth of the width of nine tenths of them.",
            ),
            ("Mean difference", number(agreement.mean_difference) + behind, "Second less first: above 0 it says more."),
            ("Mean distance", number(agreement.mean_absolute_difference) + behind, "How far the two are apart."),
            ("Correlation", correlation, "1 where both put the rows in one line, whatever the scale (Pearson)."),
        ],
        agreement.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        st.subheader("Value by value", anchor=False)
        points = comparison.scatter(pair, _MOST_POINTS)
        x, y = (with_unit(f"{own}: {name}", unit) for own, name in zip(names, pair, strict=True))
        draw(charts.diagonal_figure(points, ("a", x), ("b", y)), f"{y} against {x}.", "beside")
        sampled = f" {len(points):,} rows, evenly spaced." if len(points) < agreement.rows else ""
        st.caption(f"On the dashed line both say the same.{sampled}")
    with sides.container(border=True, height="stretch"):
        _show_differences(
            comparison.differences(pair, _MOST_DIFFERENCES), names, "difference", "largest difference first"
        )


def _show_differences(lines: pl.DataFrame, names: tuple[str, str], last: str, order: str) -> None:
    st.subheader("Where they differ most", anchor=False)
    if lines.is_empty():
        st.caption("Nowhere: every row got the same from both.")
        return
    config = {
        "row": st.column_config.NumberColumn("Row", format="localized"),
        "a": st.column_config.Column(names[0]),
        "b": st.column_config.Column(names[1]),
        "gap": st.column_config.ProgressColumn("Gap", min_value=0.0, max_value=1.0, format="%.3f"),
        "difference": st.column_config.NumberColumn("Difference", format="%.4g"),
    }
    st.dataframe(lines, hide_index=True, height=360, column_config=config, alt="The rows that differ most")
    st.caption(f"{count(len(lines), 'row')}{', ' + order if last else ''}.")


def _show_metrics(a: Results, b: Results, names: tuple[str, str]) -> None:
    """The figures of both beside each other, where both have labels to judge by."""
    found = [_metrics(results) for results in (a, b)]
    if not all(found):
        st.caption("The file has no labels that both models know: which of them is right cannot be said.")
        return
    with st.container(border=True):
        st.subheader("Judged by the labels", anchor=False)
        lines = [
            {"Figure": name, names[0]: figure, names[1] + ("" if names[0] != names[1] else " "): found[1][name]}
            for name, figure in found[0].items()
            if name in found[1]
        ]
        st.dataframe(lines, hide_index=True, alt="Figures of both runs", width=640)


def _metrics(results: Results) -> dict[str, str]:
    """The figures of one run by name; empty where there is nothing to judge by."""
    evaluation = evaluation_of(results)
    if isinstance(evaluation, ClassEvaluation):
        of_classes, auroc = class_figures(evaluation, known(results), ())
        if of_classes is None:
            return {}
        figures: dict[str, float | None] = {
            "Accuracy": of_classes.accuracy,
            "Balanced accuracy": of_classes.balanced_accuracy,
            "Macro F1": of_classes.macro_f1,
            "AUROC": auroc,
            "Log loss": of_classes.log_loss,
            "Calibration error": of_classes.calibration_error,
        }
    elif isinstance(evaluation, ValueEvaluation):
        output = evaluation.predicted.columns[0]
        of_values = value_figures(evaluation, known(results), output, ())
        if of_values is None:
            return {}
        figures = {"RMSE": of_values.rmse, "MAE": of_values.mae, "R²": of_values.r2, "MAPE": of_values.mape}
    else:
        return {}
    return {name: "–" if figure is None else number(figure) for name, figure in figures.items()}
