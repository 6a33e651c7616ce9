"""One series at a time: its history, what the model says comes next, and how right that was."""

from __future__ import annotations

import streamlit as st

from dashboard import selection
from dashboard.charts import forecasts as forecast_charts
from dashboard.components.chart import draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.judging import (
    Where,
    forecast_figures,
    known,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.components.series import choose_series
from dashboard.components.value_evaluation import show_parity
from dashboard.words import number, plain, with_unit
from engine import Filter, ForecastEvaluation, ForecastFigures, Results
from engine.views import ForecastLines


@fragment_of_run
def show_forecast(view: ForecastLines, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """One series, its history and what comes next."""
    series, lines = choose_series(view.title, results, where, selection.key("forecast", *where), name)
    if lines.is_empty():
        return
    unit = results.card.column(view.of).unit
    alt = forecast_charts.forecast_alt(view, lines, series, unit)
    draw(forecast_charts.forecast_figure(view, lines, unit), alt, f"{name}|{series}")


def show_forecasts(evaluation: ForecastEvaluation, where: Where) -> None:
    """Everything about the steps that the filters leave."""
    figures = forecast_figures(evaluation, known(evaluation.results), where)
    output = evaluation.output
    unit, label = evaluation.unit_of(output), evaluation.label_of(output)
    if figures is None:
        show_nothing_to_judge(evaluation.used(output, where), label, numbers=True)
        return
    show_used(figures.used, label, numbers=True)
    show_cards(
        forecast_cards(figures, unit, evaluation.predicted.band[2] if evaluation.predicted.band else 0),
        figures.used.rows,
    )
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        show_title("Error by steps ahead", "by-step", figures.by_step)
        first, last = figures.by_step["mae"][0], figures.by_step["mae"][-1]
        alt = f"Mean absolute error by steps ahead: {number(first)} at the first, {number(last)} at the last."
        draw(forecast_charts.by_step_figure(figures.by_step, unit), alt, "by-step")
    with sides.container(border=True, height="stretch"):
        show_parity(evaluation, output, unit, where, figures.used.rows)


def forecast_cards(figures: ForecastFigures, unit: str, band: float) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure that is defined."""
    cards = [
        (plain(with_unit("MAE", unit)), number(figures.mae), "How far forecasts are from what came, on average."),
        (plain(with_unit("RMSE", unit)), number(figures.rmse), "The typical error, large ones counting more."),
        ("sMAPE", f"{figures.smape:.1%}", "The error as a share of the mean of forecast and value. 0 is best."),
    ]
    if figures.mase is not None:
        reading = "The error as a multiple of what repeating the last season costs: below 1 is better than that."
        cards.append(("MASE", f"{figures.mase:.3f}", reading))
    if figures.coverage is not None:
        reading = f"The share of values within the band; {band:.0%} should be."
        cards.append(("Coverage", f"{figures.coverage:.1%}", reading))
    return cards
