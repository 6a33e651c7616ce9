"""What commands say on a terminal, and in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from unicodedata import category

import typer
from rich.console import Console
from rich.table import Table

from engine.cards.signature import Report
from engine.runs.run import Run

err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True, markup=False)


def print_table(table: Table) -> None:
    """The table, never cut: a pipe has no width."""
    console = Console(highlight=False)
    Console(highlight=False, width=None if console.is_terminal else 200).print(table)


def print_report(report: Report, console: Console) -> None:
    marks = {"fatal": "[red]✗[/red]", "rows": "[yellow]![/yellow]", "note": "[dim]·[/dim]"}
    console.print(f"{report.n_good:,} of {report.n_rows:,} rows can be predicted.")
    for problem in report.problems:
        console.print(f"{marks[problem.severity]} {safe(problem.message)}")


def summarise(run: Run, output: Path | str) -> None:
    if run.state != "done":
        err.print(f"[red]{run.stage}.[/red] {safe(run.error)}")
        return
    failed = f", {run.rows_failed:,} of them reported as failed" if run.rows_failed else ""
    err.print(f"{run.rows_done:,} rows{failed}, {run.rows_per_second:,.0f} rows/s → {safe(output)} (run {run.id})")


def safe(text: object) -> str:
    """The text with nothing in it that rich would take for markup, or a terminal for a command."""
    return "".join("�" if category(sign) == "Cc" and sign not in "\n\t" else sign for sign in str(text)).replace(
        "[", r"\["
    )


def print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))
