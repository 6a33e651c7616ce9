"""The engine for one command: opened, closed, its errors said and turned into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from engine.access import THE_COMMAND_LINE
from engine.cli.printing import err, safe
from engine.engine import Engine
from engine.errors import ForelightError, InputRefused
from engine.guarded.engine import GuardedEngine
from engine.runs.run import Run
from engine.settings import Settings

DONE, FAILED, REFUSED = 0, 1, 2


@contextmanager
def open_engine(devices: int | None = None) -> Iterator[Engine]:
    """An engine; what goes wrong on purpose ends the program with its sentence and code."""
    settings = Settings()
    engine = Engine(settings.model_copy(update={"devices": devices}) if devices else settings)
    try:
        yield engine
    except InputRefused as exc:
        err.print(f"[red]Refused.[/red] Nothing was predicted; --on-error report predicts the good rows.\n{safe(exc)}")
        raise typer.Exit(REFUSED) from exc
    except ForelightError as exc:
        err.print(f"[red]Failed.[/red] {safe(exc)}")
        raise typer.Exit(FAILED) from exc
    finally:
        engine.close()


def noting(engine: Engine) -> GuardedEngine:
    """The engine as the command line may use it: all of it, and what is done is in the trail."""
    return GuardedEngine(engine, THE_COMMAND_LINE)


def follow(engine: Engine, run_id: str) -> Run:
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
