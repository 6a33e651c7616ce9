"""How right the numbers were: figures, predictions over labels, and what is left over any column."""

from __future__ import annotations

import streamlit as st

from dashboard.charts import evaluation as charts
from dashboard.components.chart import draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.judging import (
    Where,
    known,
    show_cards,
    show_nothing_to_judge,
    show_used,
    value_figures,
)
from dashboard.words import count, extent, number, plain, with_unit
from engine import ValueEvaluation, ValueFigures

_MOST_POINTS = 4_000


def show_values(evaluation: ValueEvaluation, where: Where) -> None:
    """Everything about the rows that the filters leave."""
    outputs = evaluation.outputs
    if outputs[1:] and evaluation.has_own:
        _show_outputs(evaluation, where)
    asked = "Value" if evaluation.has_own else "Value that the label is of"
    chosen = st.selectbox(asked, outputs, key="judged-output", width=320) if outputs[1:] else None
    output = str(chosen or outputs[0])
    unit, label = evaluation.unit_of(output), evaluation.label_of(output)
    figures = value_figures(evaluation, known(evaluation.results), output, where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(output, where), label, numbers=True)
        return
    show_used(figures.used, label, numbers=True)
    show_cards(value_cards(figures, unit), figures.used.rows)
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        show_parity(evaluation, output, unit, where, figures.used.rows)
    with sides.container(border=True, height="stretch"):
        _show_residuals(evaluation, output, unit, where, figures.used.rows)


def _show_outputs(evaluation: ValueEvaluation, where: Where) -> None:
    """The figures of each output that has a label of its own, a line each."""
    found = {each: value_figures(evaluation, known(evaluation.results), each, where) for each in evaluation.outputs}
    judged = {output: figures for output, figures in found.items() if figures is not None}
    if not judged:
        return
    cards = {output: {name: text for name, text, _ in value_cards(judged[output], "")} for output in judged}
    table = {
        "Value": list(judged),
        "Unit": [evaluation.unit_of(output) for output in judged],
        "Label": [evaluation.label_of(output) for output in judged],
        **{name: [cards[output][name] for output in judged] for name in next(iter(cards.values()))},
    }
    said = "; ".join(f"{output} R² {cards[output]['R²']}" for output in judged)
    st.dataframe(table, hide_index=True, height="content", alt=f"Figures of each value: {said}")


def value_cards(figures: ValueFigures, unit: str) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure."""
    r2 = "–" if figures.r2 is None else f"{figures.r2:.3f}"
    mape = "–" if figures.mape is None else f"{figures.mape:.1%}"
    undefined = "" if figures.mape is not None else " Not defined here: a label is zero."
    return [
        (
            plain(with_unit("RMSE", unit)),
            number(figures.rmse),
            "The typical error, large ones counting more. 0 is best.",
        ),
        (
            plain(with_unit("MAE", unit)),
            number(figures.mae),
            "How far predictions are from the labels, on average. 0 is best.",
        ),
        ("R²", r2, "The share of the labels' variation that is predicted: 1 is best, 0 is what their mean would give."),
        ("MAPE", mape, f"The average error as a share of the label.{undefined}"),
    ]


def show_parity(evaluation: ValueEvaluation, output: str, unit: str, where: Where, rows: int) -> None:
    points = evaluation.parity(output, where, _MOST_POINTS)
    show_title("Predicted and true", "parity", points)
    titles = with_unit(f"label: {evaluation.label_of(output)}", unit), with_unit(f"predicted: {output}", unit)
    figure = charts.diagonal_figure(points, ("label", titles[0]), ("predicted", titles[1]))
    ends = f"{extent('labels', points['label'], unit)}, {extent('predictions', points['predicted'], unit)}"
    draw(figure, f"{output} against {evaluation.label_of(output)}, {count(len(points), 'row')}: {ends}.", "parity")
    st.caption(f"On the dashed line the prediction is right.{_sampled(len(points), rows)}")


@fragment_of_run
def _show_residuals(evaluation: ValueEvaluation, output: str, unit: str, where: Where, rows: int) -> None:
    slot = st.container()
    columns = {column.name: column for column in evaluation.results.columns if column.role not in ("row", "status")}
    order = sorted(columns, key=lambda name: name != output)
    x = str(st.selectbox("Over", order, key="residual-column", width=320))
    titles = with_unit(x, columns[x].unit), with_unit("label − prediction", unit)
    if columns[x].is_number:
        numbers = evaluation.residuals(output, x, where, _MOST_POINTS)
        figure, ends = charts.residual_figure(numbers, *titles), extent("residuals", numbers["residual"], unit)
        sampled = _sampled(len(numbers), rows)
    else:
        numbers = evaluation.residual_spread(output, x, where)
        figure, ends = charts.residual_spread_figure(numbers, *titles), extent("medians", numbers["p50"], unit)
        others = rows - int(numbers["rows"].sum())
        sampled = f" The {len(numbers)} most frequent values; {count(others, 'row')} have others." if others else ""
    with slot:
        show_title("Residuals", "residuals", numbers)
    draw(figure, f"Residuals, label less prediction, over {x}: {ends}.", "residuals")
    st.caption(f"Above the dashed line the model said too little, below it too much.{sampled}")


def _sampled(shown: int, rows: int) -> str:
    return f" {shown:,} of {count(rows, 'row')}, evenly spaced over the file." if shown < rows else ""
