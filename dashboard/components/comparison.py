"""Two runs on the same rows: how far they agree, where they differ most, and how right each was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.charts import evaluation as charts
from dashboard.components.box_evaluation import box_cards
from dashboard.components.chart import draw, show_title
from dashboard.components.class_evaluation import class_cards
from dashboard.components.judging import (
    Known,
    Where,
    box_figures,
    class_figures,
    known,
    label_set_figures,
    mask_figures,
    show_cards,
    value_figures,
)
from dashboard.components.label_set_evaluation import label_set_cards
from dashboard.components.mask_evaluation import mask_cards
from dashboard.components.run_title import files_of
from dashboard.components.value_evaluation import value_cards
from dashboard.words import count, extent, number, plain, short, when, with_unit
from engine import (
    BoxEvaluation,
    ClassComparison,
    ClassEvaluation,
    Filter,
    GuardedEngine,
    LabelSetComparison,
    LabelSetEvaluation,
    MaskEvaluation,
    Results,
    Run,
    ValueComparison,
    ValueEvaluation,
    compare,
    evaluation_of,
)

_MOST_POINTS = 4_000
_MOST_DIFFERENCES = 100
_MOST_COLUMNS = 40
_MOST_RUNS = 500
_MOST_SIGNS = 18
_OF_THE_FILE = ("label", "order", "extra", "input")
_Comparison = ClassComparison | LabelSetComparison | ValueComparison


def choose_other(engine: GuardedEngine, run: Run, asked: str) -> Run | None:
    """Asks which run to compare with: one of the visitor's own, or the one `asked` for; None where there is none."""
    mine = engine.runs(limit=_MOST_RUNS)
    others = {other.id: other for other in _others_like(run, mine)}
    if asked and asked != run.id and asked not in others:
        others = {asked: engine.run(asked), **others}
    if not others:
        st.info(
            "You have no other run on the same rows. «Run again», in the menu of this run, predicts the same file with "
            "another model, or with another version of this one.",
            icon=":material/compare_arrows:",
        )
        return None
    place = list(others).index(asked) if asked in others else 0
    words = {run_id: _named(other) for run_id, other in others.items()}
    return others[
        str(st.selectbox("Compare with", list(others), place, format_func=words.__getitem__, key="compare-with"))
    ]


def _others_like(run: Run, runs: Sequence[Run]) -> list[Run]:
    """The runs that may be about the same rows: as many, of the same files, which come first, or by the same model."""
    alike = [
        other
        for other in runs
        if other.id != run.id and other.ended and other.rows_total == run.rows_total and _is_near(other, run)
    ]
    return sorted(alike, key=lambda other: other.sources != run.sources)


def _is_near(other: Run, run: Run) -> bool:
    return other.sources == run.sources or other.model_id == run.model_id


def _named(run: Run) -> str:
    """The run in a list to choose from; not markdown."""
    model = f"{short(run.title)} · version {short(run.version, 20)}"
    return f"{model} · {short(run.name or files_of(run))} · {when(run.created)} · run {run.id[:6]}"


def show_comparison(a: Results, b: Results, where: Where) -> None:
    """Everything about the rows that the filters leave of the first; NotComparable where the two are about others."""
    comparison = _compared(a, b, known(a), known(b))
    names = _names(a.run, b.run)
    if where and not a.count(where):
        st.info("No row is left by these filters. Take one away above.", icon=":material/filter_list_off:")
    elif isinstance(comparison, ClassComparison):
        _show_classes(comparison, names, where)
    elif isinstance(comparison, LabelSetComparison):
        _show_label_sets(comparison, names, where)
    else:
        _show_values(comparison, names, where)


@st.cache_resource(max_entries=16, show_spinner="Comparing the rows")
def _compared(_a: Results, _b: Results, of_a: Known, of_b: Known) -> _Comparison:
    return compare(_a, _b)


def _names(a: Run, b: Run) -> tuple[str, str]:
    """How the two are called: by their versions, by their models, else by their numbers; not markdown."""
    if a.model_id == b.model_id and a.version != b.version:
        return f"Version {short(a.version, 20)}", f"Version {short(b.version, 20)}"
    if a.title != b.title:
        return short(a.title, 28), short(b.title, 28)
    return f"Run {a.id[:6]}", f"Run {b.id[:6]}"


def _show_classes(comparison: ClassComparison, names: tuple[str, str], where: Where) -> None:
    agreement = comparison.agreement(where)
    other = agreement.rows - round(agreement.share * agreement.rows)
    show_cards(
        [
            ("Agreement", f"{agreement.share:.1%}", "The share of rows that got the same class from both."),
            ("Different class", f"{other:,}", "Rows that got another class from the second run than from the first."),
            ("Rows compared", f"{agreement.rows:,}", "Rows that both runs predicted."),
        ],
        agreement.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        show_title("Class by class", "pairs", agreement.pairs)
        cells = {(one, two): rows for one, two, rows in agreement.pairs.iter_rows()}
        labels = comparison.labels[: charts.MOST_CLASSES]
        figure = charts.matrix_figure(labels, labels, cells, names, share=False)
        draw(figure, charts.matrix_alt(f"Classes by {names[0]} against those by {names[1]}", cells), "pairs")
        st.caption("On the diagonal both say the same.")
    with sides.container(border=True, height="stretch"):
        _show_metrics(comparison, names, where)
    order = "the largest gap in a class's probability first" if comparison.has_gap else "in the order of the file"
    _show_differences(comparison, comparison.differences(_MOST_DIFFERENCES, where), names, order)


def _show_label_sets(comparison: LabelSetComparison, names: tuple[str, str], where: Where) -> None:
    agreement = comparison.agreement(where)
    show_cards(
        [
            ("Same labels", f"{agreement.share:.1%}", "The share of rows that got exactly the same labels from both."),
            ("Same answers", f"{agreement.answers:.1%}", "The share of single answers, a label of a row each, alike."),
            ("Rows compared", f"{agreement.rows:,}", "Rows that both runs predicted."),
        ],
        agreement.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        show_title("Label by label", "pairs", agreement.per_label)
        only = {
            "first": st.column_config.Column(f"only {names[0]}"),
            "second": st.column_config.Column(f"only {names[1]}"),
        }
        alt = f"In how many rows both, one or neither gave each of {count(len(comparison.labels), 'label')}"
        st.dataframe(agreement.per_label, hide_index=True, height=400, column_config=only, alt=alt)
    with sides.container(border=True, height="stretch"):
        _show_metrics(comparison, names, where)
    lines = comparison.differences(_MOST_DIFFERENCES, where)
    _show_differences(comparison, lines, names, "the largest gap in a label's probability first")


def _show_values(comparison: ValueComparison, names: tuple[str, str], where: Where) -> None:
    words = {pair: pair[0] if pair[0] == pair[1] else f"{pair[0]} with {pair[1]}" for pair in comparison.pairs}
    pairs = list(comparison.pairs)
    pair = st.selectbox("Values", pairs, format_func=words.__getitem__, width=400) if pairs[1:] else None
    pair = pair or pairs[0]
    unit = {column.name: column.unit for column in comparison.a.columns}.get(pair[0], "")
    agreement = comparison.agreement(pair, comparison.tolerance(pair), where)
    correlation = "–" if agreement.correlation is None else f"{agreement.correlation:.4f}"
    near = f"{number(agreement.tolerance, 2)} {plain(unit)}".strip()
    show_cards(
        [
            (
                "Agreement",
                f"{agreement.share:.1%}",
                f"The share of rows that differ by at most {near}: a hundredth of the width of nine tenths of them.",
            ),
            (
                plain(with_unit("Mean difference", unit)),
                number(agreement.mean_difference),
                "Second less first: above 0 it says more.",
            ),
            (
                plain(with_unit("Mean distance", unit)),
                number(agreement.mean_absolute_difference),
                "How far the two are apart.",
            ),
            ("Correlation", correlation, "1 where both put the rows in one line, whatever the scale (Pearson)."),
        ],
        agreement.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        points = comparison.scatter(pair, _MOST_POINTS, where)
        show_title("Value by value", "beside", points)
        x, y = (with_unit(f"{own}: {name}", unit) for own, name in zip(names, pair, strict=True))
        ends = f"{extent(names[0], points['a'], unit)}, {extent(names[1], points['b'], unit)}"
        draw(charts.diagonal_figure(points, ("a", x), ("b", y)), f"{y} against {x}: {ends}.", "beside")
        sampled = f" {len(points):,} rows, evenly spaced." if len(points) < agreement.rows else ""
        st.caption(f"On the dashed line both say the same.{sampled}")
    with sides.container(border=True, height="stretch"):
        _show_metrics(comparison, names, where)
    lines = comparison.differences(pair, _MOST_DIFFERENCES, where)
    _show_differences(comparison, lines, names, "the largest difference first")


def _show_differences(comparison: _Comparison, lines: pl.DataFrame, names: tuple[str, str], order: str) -> None:
    """The lines (row, a, b, maybe gap or difference), and beside them what the file holds of those rows."""
    with st.container(border=True):
        st.subheader("Where they differ most", anchor=False)
        if lines.is_empty():
            st.caption("Nowhere: every row got the same from both.")
            return
        config: dict[str, Any] = {
            "row": st.column_config.NumberColumn("row", format="%d", pinned=True),
            "a": st.column_config.Column(names[0]),
            "b": st.column_config.Column(names[1]),
            "gap": st.column_config.NumberColumn("gap", format="%.3f"),
            "difference": st.column_config.NumberColumn("difference", format="%.4g"),
        }
        shown = [each for each in comparison.a.columns if each.role in _OF_THE_FILE][:_MOST_COLUMNS]
        unlike = {each.name: f"column {number}" for number, each in enumerate(shown)}  # a file may have a column 'a'
        config |= {unlike[each.name]: st.column_config.Column(with_unit(each.name, each.unit)) for each in shown}
        held = comparison.a.page(0, len(lines), where=[Filter("row", "in", tuple(lines["row"]))])
        beside = lines.join(held.select("row", *unlike).rename(unlike), on="row", how="left", maintain_order="left")
        alt = f"The {count(len(lines), 'row')} that differ most"
        st.dataframe(beside, hide_index=True, height=min(400, 38 + 35 * len(lines)), column_config=config, alt=alt)
        st.caption(f"{count(len(lines), 'row')}, {order}.")


def _show_metrics(comparison: _Comparison, names: tuple[str, str], where: Where) -> None:
    """The figures of both beside each other, where both have labels to judge by."""
    st.subheader("Judged by the labels", anchor=False)
    first, second = _metrics(comparison.a, where), _metrics(comparison.b.within(comparison.a, where), ())
    if not first or not second:
        st.caption("The file has no labels that both models know: which of the two is right cannot be said.")
        return
    both = [name for name in first if name in second]
    columns = {"Figure": both, "a": [first[name] for name in both], "b": [second[name] for name in both]}
    config = {own: st.column_config.Column(_cut(name), help=name) for own, name in zip("ab", names, strict=True)}
    alt = "; ".join(f"{name} {first[name]} and {second[name]}" for name in both)
    st.dataframe(columns, hide_index=True, alt=f"{names[0]} and {names[1]}: {alt}", column_config=config)


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_SIGNS else f"{name[: _MOST_SIGNS - 1]}…"


def _metrics(results: Results, where: Where) -> dict[str, str]:
    """The figures of one run by name; empty where there is nothing to judge by."""
    evaluation = evaluation_of(results)
    cards: list[tuple[str, str, str]] = []
    if isinstance(evaluation, ClassEvaluation):
        of_classes = class_figures(evaluation, known(results), where)
        cards = class_cards(of_classes) if of_classes else []
    elif isinstance(evaluation, LabelSetEvaluation):
        of_sets = label_set_figures(evaluation, known(results), where)
        cards = label_set_cards(of_sets) if of_sets else []
    elif isinstance(evaluation, MaskEvaluation):
        of_masks = mask_figures(evaluation, known(results), where)
        cards = mask_cards(of_masks) if of_masks else []
    elif isinstance(evaluation, BoxEvaluation):
        of_boxes = box_figures(evaluation, known(results), where)
        cards = box_cards(of_boxes, evaluation.predicted.threshold) if of_boxes else []
    elif isinstance(evaluation, ValueEvaluation):
        of_values = value_figures(evaluation, known(results), evaluation.outputs[0], where)
        cards = value_cards(of_values, "") if of_values else []
    return {name: figure for name, figure, _ in cards}
