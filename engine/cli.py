"""The command line: models · check · predict · runs · report. Only prints what the engine says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.draft.rehearsal import check_model
from engine.draft.terminal import init
from engine.engine import Engine
from engine.errors import ForelightError, InputRefused
from engine.facts import repeat
from engine.readers import Source
from engine.report import write_report
from engine.runs.run import Options, Run
from engine.settings import Settings
from engine.signature import Report

DONE, FAILED, REFUSED = 0, 1, 2
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predictions from files by trained models.",
)
app.command()(init)
Files = Annotated[list[Path], typer.Argument(help="the files, or folders of pictures, to predict")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def models(as_json: AsJson = False) -> None:
    """Lists the models there are."""
    with _engine() as engine:
        entries = engine.models()
    if as_json:
        _print([{"id": e.id, "error": e.error, **(e.card.model_dump(mode="json") if e.card else {})} for e in entries])
        return
    table = Table("model", "task", "title", box=None)
    for entry in entries:
        table.add_row(entry.id, entry.card.task if entry.card else "", entry.card.title if entry.card else entry.error)
    _print_table(table)


@app.command()
def check(
    model: str,
    files: Annotated[list[Path] | None, typer.Argument(help="without any, the model itself is checked")] = None,
    as_json: AsJson = False,
) -> None:
    """Says what a model would make of the files; or, without files, what is to be doubted of the model.

    Exit code 0: every row can be predicted, the model works; 2: not so.
    """
    if not files:
        raise typer.Exit(DONE if check_model(model, as_json=as_json) else REFUSED)
    with _engine() as engine:
        run = engine.check(model, _sources(files))
        engine.delete(run.id)
    if as_json:
        _print(asdict(run.report))
    else:
        _print_report(run.report, Console(soft_wrap=True, highlight=False))
    raise typer.Exit(DONE if run.report.clean else REFUSED)


@app.command()
def predict(
    model: str,
    files: Files,
    output: Annotated[Path, typer.Option("--output", "-o", help="ends with .csv, .parquet, .jsonl or .xlsx")],
    on_error: Annotated[
        Literal["refuse", "report"], typer.Option(help="rows that cannot be predicted: refuse all, or report them")
    ] = "refuse",
    batch_size: Annotated[int | None, typer.Option(min=1, help="rows of one batch")] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="devices to predict on")] = None,
    rename: Annotated[list[str] | None, typer.Option(help="a column: name in the file=name the model takes")] = None,
    precision: Annotated[
        Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"] | None,
        typer.Option(help="the card's, where not given"),
    ] = None,
) -> None:
    """Predicts every row of the files. Exit code 0: done; 2: refused; 1: failed."""
    options = Options(on_error=on_error, batch_size=batch_size, precision=precision)
    with _engine(devices) as engine:
        engine.warm_up(model)
        run = engine.check(model, _sources(files), renames=_renames(rename))
        if not run.report.clean:
            _print_report(run.report, err)
        try:
            engine.submit(run.id, options)
        except InputRefused:
            engine.delete(run.id)
            raise
        run = _follow(engine, run.id)
        if run.state == "done":
            engine.export_to(run.id, output)
    _summarise(run, output)
    raise typer.Exit(DONE if run.state == "done" else FAILED)


runs = typer.Typer(help="Lists the runs there were, the newest first; shows, resumes, cancels or deletes one.")
app.add_typer(runs, name="runs")
RunId = Annotated[str, typer.Argument(metavar="ID", help="the run, or the beginning of its id")]


@runs.command("show")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Shows one run, and how it is done again."""
    with _engine() as engine:
        run = engine.run(_whole_id(engine, run_id))
    again = repeat(run)
    if as_json:
        _print({**_plain(run), "repeat": asdict(again)})
        return
    table = Table(box=None, show_header=False)
    for name, value in _plain(run).items():
        if value not in ("", None, (), {}):
            table.add_row(name.replace("_", " "), _safe(value))
    _print_table(table)
    for title, text in (("In a terminal:", again.command), ("In Python:", again.python)):
        typer.echo(f"\n{title}\n\n{text}")


@runs.command("resume")
def resume(run_id: RunId) -> None:
    """Goes on with a cancelled, failed or interrupted run. Exit code 0: done; 1: failed."""
    with _engine() as engine:
        whole = _whole_id(engine, run_id)
        engine.resume(whole)
        run = _follow(engine, whole)
    _summarise(run, "its folder")
    raise typer.Exit(DONE if run.state == "done" else FAILED)


@runs.command("cancel")
def cancel(run_id: RunId) -> None:
    """Stops a run after its current batch, whichever process runs it."""
    with _engine() as engine:
        whole = _whole_id(engine, run_id)
        engine.cancel(whole)
        run = engine.wait(whole, 10)
    err.print(f"{run.stage}: {run.rows_done:,} of {run.rows_total:,} rows are kept.")


@runs.command("delete")
def delete(run_id: RunId) -> None:
    """Deletes a run and its files."""
    with _engine() as engine:
        engine.delete(_whole_id(engine, run_id))


@runs.callback(invoke_without_command=True)
def list_runs(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    with _engine() as engine:
        found = engine.runs()
    if as_json:
        _print([_plain(run) for run in found])
        return
    table = Table("run", "model", "state", "rows", "files", "created", box=None)
    for run in found:
        table.add_row(run.id, run.model_id, run.state, f"{run.rows_done:,}", ", ".join(run.sources), run.created)
    _print_table(table)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="the run's id, as `runs` lists it")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the HTML file to write")],
) -> None:
    """Writes a run's report: one HTML file with figures, charts and first rows, for a browser or for paper."""
    with _engine() as engine:
        write_report(engine.results(run), output)
    err.print(f"Written: {_safe(output)}")


@contextmanager
def _engine(devices: int | None = None) -> Iterator[Engine]:
    """An engine; what goes wrong on purpose ends the program with its sentence and code."""
    settings = Settings()
    engine = Engine(settings.model_copy(update={"devices": devices}) if devices else settings)
    try:
        yield engine
    except InputRefused as exc:
        err.print(f"[red]Refused.[/red] Nothing was predicted; --on-error report predicts the good rows.\n{_safe(exc)}")
        raise typer.Exit(REFUSED) from exc
    except ForelightError as exc:
        err.print(f"[red]Failed.[/red] {_safe(exc)}")
        raise typer.Exit(FAILED) from exc
    finally:
        engine.close()


def _renames(given: list[str] | None) -> dict[str, str]:
    for each in given or []:
        if "=" not in each:
            raise typer.BadParameter(f"--rename wants 'name in the file=name the model takes', found '{each}'")
    return dict(each.split("=", 1) for each in given or [])


def _sources(files: list[Path]) -> list[Source]:
    """Every file named, and every file below a folder named, by name; what is not there is an error."""
    sources: list[Source] = []
    for path in files:
        if path.is_dir():
            inside = sorted(part for part in path.rglob("*") if part.is_file())
            sources += [Source(str(part.relative_to(path.parent)), part) for part in inside]
        elif path.is_file():
            sources.append(Source(path.name, path))
        else:
            raise typer.BadParameter(f"there is no file '{path}'")
    return sources


def _follow(engine: Engine, run_id: str) -> Run:
    """Waits for the run's end, with a progress bar where a person watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bar:
        shown = bar.add_task("Predicting", total=None, speed="")
        try:
            for run in engine.follow(run_id):
                speed = f"{run.rows_per_second:,.0f} rows/s"
                bar.update(shown, total=run.rows_total, completed=run.rows_done, description=run.stage, speed=speed)
        except KeyboardInterrupt:
            engine.cancel(run_id)
            run = engine.wait(run_id, 10)
        return run


def _print_table(table: Table) -> None:
    """The table, never cut: a pipe has no width."""
    console = Console(highlight=False)
    Console(highlight=False, width=None if console.is_terminal else 200).print(table)


def _print_report(report: Report, console: Console) -> None:
    marks = {"fatal": "[red]✗[/red]", "rows": "[yellow]![/yellow]", "note": "[dim]·[/dim]"}
    console.print(f"{report.n_good:,} of {report.n_rows:,} rows can be predicted.")
    for problem in report.problems:
        console.print(f"{marks[problem.severity]} {_safe(problem.message)}")


def _summarise(run: Run, output: Path | str) -> None:
    if run.state != "done":
        err.print(f"[red]{run.stage}.[/red] {_safe(run.error)}")
        return
    failed = f", {run.rows_failed:,} of them reported as failed" if run.rows_failed else ""
    err.print(f"{run.rows_done:,} rows{failed}, {run.rows_per_second:,.0f} rows/s → {_safe(output)} (run {run.id})")


def _safe(text: object) -> str:
    """The text with nothing in it that rich would take for markup."""
    return str(text).replace("[", r"\[")


def _plain(run: Run) -> dict[str, Any]:
    """What is told of a run; not who asked, whose name is a key."""
    told = (name for name in run.__slots__ if name not in ("report", "visitor"))
    return {**{name: getattr(run, name) for name in told}, "options": run.options.model_dump()}


def _whole_id(engine: Engine, beginning: str) -> str:
    """The id of the one run that begins so; what is not clear is left to RunNotFound."""
    found = [run.id for run in engine.runs() if run.id.startswith(beginning)]
    return found[0] if len(found) == 1 else beginning


def _print(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))
