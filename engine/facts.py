"""What is said about a model, a run and the storage, beside what they hold."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine.cards.versions import FIRST
from engine.runs.run import Run

_PACKAGES = ("torch", "torchvision", "pytorch-lightning", "lightning", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model once it is loaded. `found` says how it is called, in sentences."""

    parameters: int
    output_kind: str
    hyper_parameters: Mapping[str, Any]
    found: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """How a run is done again elsewhere: in a terminal, in Python; with which packages it was done."""

    command: str
    python: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes: what all runs take, what they may take, what the disk has left; what uploads take that no run has."""

    used: int
    cap: int
    free: int
    uploads: int = 0


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker process: `pid` None where it was not started yet; how often it had to be replaced.

    `job` is what it does, "" for nothing, since so many `seconds`, about the run `run_id`; `memory` is resident bytes.
    """

    name: str
    pid: int | None
    restarts: int
    job: str = ""
    run_id: str = ""
    seconds: float = 0.0
    memory: int = 0


def repeat(run: Run) -> Repeat:
    """The command and the lines of Python that make the same predictions, in the folder where the files are."""
    names = run.sources
    options = {name: value for name, value in run.options.model_dump().items() if value is not None}
    flags = [f"--{name.replace('_', '-')} {value}" for name, value in options.items() if (name, value) != _DEFAULT]
    flags += [f"--rename {shlex.quote(f'{old}={new}')}" for old, new in run.renames.items()]
    flags += [f"--version {shlex.quote(run.version)}"] if run.version != FIRST else []
    files = " ".join(map(shlex.quote, names))
    command = " ".join(["python -m engine predict", shlex.quote(run.model_id), files, "-o predictions.csv", *flags])
    version = f", version={run.version!r}" if run.version != FIRST else ""
    renames = f", renames={dict(run.renames)!r}" if run.renames else ""
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    python = "\n".join(
        (
            "from pathlib import Path",
            "from engine import Engine, Options, Source",
            "",
            "engine = Engine()",
            f"files = [Source(name, Path(name)) for name in {list(names)!r}]",
            f"run = engine.check({run.model_id!r}, files{version}{renames})",
            f"engine.submit(run.id, Options({given}))",
            "engine.wait(run.id)",
            "print(engine.results(run.id).page(0, 10))",
            "engine.close()",
        )
    )
    return Repeat(command, python, run.versions)


def versions_here() -> dict[str, str]:
    """Python and the packages that decide what comes out, as this process found them."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


_DEFAULT = ("on_error", "refuse")
