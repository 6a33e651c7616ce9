"""Puts a report together: facts, figures, charts and first rows into the template, which escapes every text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from engine.cards.card import ModelCard
from engine.report import (  # noqa: F401  # they register their charts
    box_figures,
    embedding_figures,
    forecast_figures,
    label_figures,
)
from engine.report.figures import Chart, chart_of
from engine.report.pictures import pictures_of
from engine.results.lines import ResultColumn
from engine.results.results import Results
from engine.runs.run import Run

FIRST_ROWS = 50
_COLUMNS_ON_PAPER = 8
_PROBLEMS = 30
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table of first rows; a number stands to the right, a `far` one is left out on paper."""

    text: str
    is_number: bool
    is_far: bool


def render(results: Results) -> str:
    """The report as HTML."""
    run, card = results.run, results.card
    charts = [chart for chart in (chart_of(view, results) for view in results.views) if chart is not None]
    columns = _columns(results)
    library, start = Markup(get_plotlyjs()), Markup((_FOLDER / "start.js").read_text(encoding="utf-8"))
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html.j2").render(
        run=run,
        card=card,
        policy=_policy(library, start),
        style=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
        library=library,
        start=start,
        facts=_facts(run),
        headline=results.headline(),
        charts=[(number, chart, chart_json(chart)) for number, chart in enumerate(charts)],
        pictures=pictures_of(results),
        columns=[Cell(_with_unit(each), _is_number(each), _is_far(place)) for place, each in enumerate(columns)],
        lines=_lines(results, columns),
        problems=run.report.problems[:_PROBLEMS],
        more_problems=max(0, len(run.report.problems) - _PROBLEMS),
        signature=_signature(card),
    )


def chart_json(chart: Chart) -> Markup:
    """Figure and choices as JSON that a script element can hold: no sign in it ends the element or begins another."""
    choices = [[traces, layout] for _, traces, layout in chart.choices]
    text = f'{{"figure": {chart.figure.to_json()}, "choices": {json.dumps(choices)}}}'
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _policy(*scripts: str) -> str:
    """What a browser may do with the report: run these very scripts, and ask nobody for anything."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    options = {name: value for name, value in run.options.model_dump().items() if value is not None}
    files = ", ".join(run.sources[:12]) + (f" and {len(run.sources) - 12:,} more" if len(run.sources) > 12 else "")
    facts = [
        ("Run", run.id),
        ("State", run.state),
        ("Model", run.model_id),
        ("Version", run.version),
        ("Task", run.task),
        ("Files", files),
        ("Rows", f"{run.rows_done:,} of {run.rows_total:,} done, {run.rows_failed:,} of them not predicted"),
        ("Created", _time(run.created)),
        ("Started", _time(run.started)),
        ("Finished", _time(run.finished)),
        ("Speed", f"{run.seconds:.2f} s, {run.rows_per_second:,.0f} rows a second" if run.seconds else ""),
        ("Options", ", ".join(f"{name} = {value}" for name, value in options.items())),
        ("SHA-256 of card and code", run.card_sha256),
        ("Checkpoint's SHA-256", run.checkpoint_sha256),
    ]
    return [(name, fact) for name, fact in facts if fact]


def _time(moment: str) -> str:
    return f"{moment[:19].replace('T', ' ')} UTC" if moment else ""


def _columns(results: Results) -> list[ResultColumn]:
    """The answer first, then the label, what was kept, and what went in; where rows failed, why beside the number."""
    rank = {"row": 0, "status": 1, "prediction": 2, "label": 3, "order": 4, "extra": 5, "input": 6}
    shown = [column for column in results.columns if column.role != "status" or results.run.rows_failed]
    return sorted(shown, key=lambda column: rank[column.role])


def _lines(results: Results, columns: Sequence[ResultColumn]) -> list[tuple[bool, list[Cell]]]:
    """(whether it failed, its cells) of each of the first lines."""
    return [
        (line["status"] == "failed", [_cell(line[each.name], each, place) for place, each in enumerate(columns)])
        for line in results.page(0, FIRST_ROWS).iter_rows(named=True)
    ]


def _cell(value: object, column: ResultColumn, place: int) -> Cell:
    text = "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
    return Cell(text if len(text) <= 200 else text[:199] + "…", _is_number(column), _is_far(place))


def _is_number(column: ResultColumn) -> bool:
    return column.dtype in ("number", "integer")


def _is_far(place: int) -> bool:
    return place >= _COLUMNS_ON_PAPER


def _with_unit(column: ResultColumn) -> str:
    return f"{column.name} ({column.unit})" if column.unit else column.name


def _signature(card: ModelCard) -> list[tuple[str, str, str, str, str]]:
    """(name, type, unit, what is valid, description) of each column the model takes."""
    return [
        (
            column.name,
            column.type,
            column.unit,
            f"{column.range[0]:g} to {column.range[1]:g}" if column.range else ", ".join(column.categories),
            column.description,
        )
        for column in card.signature
    ]
