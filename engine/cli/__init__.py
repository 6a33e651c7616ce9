"""The command line: init · models · versions · check · predict · runs · report. Only prints what the engine says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from engine.cli.init_card import init
from engine.cli.printing import err, print_json, print_report, print_table, safe, summarise
from engine.cli.rehearsal import check_model
from engine.cli.runs import AsJson, runs
from engine.cli.session import DONE, FAILED, REFUSED, follow, noting, open_engine
from engine.cli.tuning import tune_model
from engine.cli.versions import ModelVersion, versions
from engine.errors import InputRefused
from engine.readers import Source
from engine.report import write_report
from engine.runs.run import Options

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predictions from files by trained models.",
)
app.command()(init)
app.add_typer(runs, name="runs")
app.add_typer(versions, name="versions")
Files = Annotated[list[Path], typer.Argument(help="the files, or folders of pictures, to predict")]


@app.command()
def models(as_json: AsJson = False) -> None:
    """Lists the models there are."""
    with open_engine() as engine:
        entries, faults = engine.models(), engine.plugin_faults()
    for fault in faults:
        err.print(safe(fault))
    if as_json:
        print_json(
            [{"id": e.id, "error": e.error, **(e.card.model_dump(mode="json") if e.card else {})} for e in entries]
        )
        return
    table = Table("model", "task", "title", box=None)
    for entry in entries:
        table.add_row(entry.id, entry.card.task if entry.card else "", entry.card.title if entry.card else entry.error)
    print_table(table)


@app.command()
def check(
    model: str,
    files: Annotated[list[Path] | None, typer.Argument(help="without any, the model itself is checked")] = None,
    version: ModelVersion = "",
    as_json: AsJson = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="measure which options of the card make the model faster")
    ] = False,
) -> None:
    """Says what a model would make of the files; or, without files, what is to be doubted of the model.

    Exit code 0: every row can be predicted, the model works; 2: not so. With --tune the files, or else the model's
    samples, are predicted in different ways; 0: measured.
    """
    if tune:
        tune_model(model, _sources(files or []), version, as_json=as_json)
        return
    if not files:
        raise typer.Exit(DONE if check_model(model, version, as_json=as_json) else REFUSED)
    with open_engine() as engine:
        run = engine.check(model, _sources(files), version=version)
        engine.delete(run.id)
    if as_json:
        print_json(asdict(run.report))
    else:
        print_report(run.report, Console(soft_wrap=True, highlight=False))
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
    version: ModelVersion = "",
    rename: Annotated[list[str] | None, typer.Option(help="a column: name in the file=name the model takes")] = None,
    precision: Annotated[
        Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"] | None,
        typer.Option(help="the card's, where not given"),
    ] = None,
) -> None:
    """Predicts every row of the files. Exit code 0: done; 2: refused; 1: failed."""
    options = Options(on_error=on_error, batch_size=batch_size, precision=precision)
    with open_engine(devices) as engine:
        engine.warm_up(model, version)
        run = engine.check(model, _sources(files), version=version, renames=_renames(rename), ahead=options)
        if not run.report.clean:
            print_report(run.report, err)
        try:
            noting(engine).submit(run.id, options)
        except InputRefused:
            engine.delete(run.id)
            raise
        run = follow(engine, run.id)
        if run.state == "done":
            engine.export_to(run.id, output)
    summarise(run, output)
    raise typer.Exit(DONE if run.state == "done" else FAILED)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="the run's id, as `runs` lists it")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the HTML file to write")],
) -> None:
    """Writes a run's report: one HTML file with figures, charts and first rows, for a browser or for paper."""
    with open_engine() as engine:
        write_report(engine.results(run), output)
        noting(engine).took_report(run)
    err.print(f"Written: {safe(output)}")


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
