"""A run as one HTML file: offline, interactive, printable. Needs no server and asks nobody for anything."""

from __future__ import annotations

from pathlib import Path

from engine.errors import MissingPackage
from engine.results.results import Results

__all__ = ["report_html", "write_report"]


def report_html(results: Results) -> str:
    """The whole report; about 5 MB, nearly all of it the chart library, which stands in it once.

    Raises MissingPackage where the chart library or the template's language is not installed.
    """
    try:
        from engine.report.page import render
    except ModuleNotFoundError as exc:
        raise MissingPackage("The report", exc.name or "plotly") from exc
    return render(results)


def write_report(results: Results, path: Path) -> Path:
    """Writes the report to `path`; the file appears when it is whole."""
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_text(report_html(results), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
