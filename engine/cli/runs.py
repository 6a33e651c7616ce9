"""`runs`: lists, shows, resumes, cancels and deletes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from engine.cli.printing import err, print_json, print_table, safe, summarise
from engine.cli.session import DONE, FAILED, follow, noting, open_engine
from engine.engine import Engine
from engine.facts import repeat
from engine.runs.run import Run

AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
runs = typer.Typer(help="Lists the runs there were, the newest first; shows, resumes, cancels or deletes one.")
RunId = Annotated[str, typer.Argument(metavar="ID", help="the run, or the beginning of its id")]


@runs.command("show")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Shows one run, and how it is done again."""
    with open_engine() as engine:
        run = engine.run(_whole_id(engine, run_id))
    again = repeat(run)
    if as_json:
        print_json({**_plain(run), "repeat": asdict(again)})
        return
    table = Table(box=None, show_header=False)
    for name, value in _plain(run).items():
        if value not in ("", None, (), {}):
            table.add_row(name.replace("_", " "), safe(value))
    print_table(table)
    for title, text in (("In a terminal:", again.command), ("In Python:", again.python)):
        typer.echo(f"\n{title}\n\n{text}")


@runs.command("resume")
def resume(run_id: RunId) -> None:
    """Goes on with a cancelled, failed or interrupted run. Exit code 0: done; 1: failed."""
    with open_engine() as engine:
        whole = _whole_id(engine, run_id)
        noting(engine).resume(whole)
        run = follow(engine, whole)
    summarise(run, "its folder")
    raise typer.Exit(DONE if run.state == "done" else FAILED)


@runs.command("cancel")
def cancel(run_id: RunId) -> None:
    """Stops a run after its current batch, whichever process runs it."""
    with open_engine() as engine:
        whole = _whole_id(engine, run_id)
        noting(engine).cancel(whole)
        run = engine.wait(whole, 10)
    err.print(f"{run.stage}: {run.rows_done:,} of {run.rows_total:,} rows are kept.")


@runs.command("delete")
def delete(run_id: RunId) -> None:
    """Deletes a run and its files."""
    with open_engine() as engine:
        noting(engine).delete(_whole_id(engine, run_id))


@runs.callback(invoke_without_command=True)
def list_runs(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    with open_engine() as engine:
        found = engine.runs()
    if as_json:
        print_json([_plain(run) for run in found])
        return
    table = Table("run", "model", "state", "rows", "files", "created", box=None)
    for run in found:
        table.add_row(run.id, run.model_id, run.state, f"{run.rows_done:,}", ", ".join(run.sources), run.created)
    print_table(table)


def _plain(run: Run) -> dict[str, Any]:
    """What is told of a run; not who asked, whose name is a key."""
    told = (name for name in run.__slots__ if name not in ("report", "visitor"))
    return {**{name: getattr(run, name) for name in told}, "options": run.options.model_dump()}


def _whole_id(engine: Engine, beginning: str) -> str:
    """The id of the one run that begins so; what is not clear is left to RunNotFound."""
    found = [run.id for run in engine.runs() if run.id.startswith(beginning)]
    return found[0] if len(found) == 1 else beginning
