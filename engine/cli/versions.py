"""`versions`: lists a model's versions, makes one of them the default."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from engine.cli.printing import err, print_json, print_table, safe
from engine.cli.runs import AsJson
from engine.cli.session import noting, open_engine
from engine.models.registry import ModelEntry

versions = typer.Typer(help="Lists the versions of a model, or makes one of them the default.", no_args_is_help=True)
ModelVersion = Annotated[str, typer.Option("--version", help="of the model, as `versions list` says; else the default")]


@versions.command("list")
def list_versions(model: str, as_json: AsJson = False) -> None:
    """Lists the model's versions with their figures; the default is marked."""
    with open_engine() as engine:
        entry = engine.model(model)
        found = [engine.model(model, version.name) for version in entry.versions]
    if not found:
        err.print(f"[red]Failed.[/red] {safe(entry.error)}")
        raise typer.Exit(1)
    if as_json:
        more = [{"default": own.is_default, "error": own.error} for own in found]
        both = zip(entry.versions, more, strict=True)
        print_json([{**version.model_dump(mode="json"), **each} for version, each in both])
        return
    table = Table("version", "default", "checkpoint", "created", "figures", "note", box=None)
    for own in found:
        table.add_row(*_line(own))
    print_table(table)


@versions.command("default")
def set_default(
    model: str,
    version: str,
    load: Annotated[bool, typer.Option("--load/--no-load", help="whether it has to load here first")] = True,
) -> None:
    """Makes that version the default, also in a server that runs, once it was loaded. Runs keep the version they have.

    With --no-load at once: where this machine cannot load it, or the version before is known to work.
    """
    with open_engine() as engine:
        before = noting(engine).set_default(model, version, load=load)
    err.print(f"The default of {safe(model)} is version {safe(version)} now; it was {safe(before)}.")


def _line(entry: ModelEntry) -> list[str]:
    version = next(each for each in entry.versions if each.name == entry.version)
    figures = ", ".join(f"{figure.name} {figure.value:.4g} {figure.unit}".strip() for figure in version.figures)
    said = entry.error or version.note
    return [
        version.name,
        "✓" if entry.is_default else "",
        version.checkpoint,
        version.created[:16],
        figures,
        safe(said),
    ]
