"""Tasks, readers and backends of other packages: a real one, installed with pip, and broken ones beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.engine.making import TABULAR_CARD, write_model

Command = Callable[..., "subprocess.CompletedProcess[str]"]
TEMPLATE = Path(__file__).parents[2] / "docs" / "plugin-template"
CODE = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def forward(self, x):
        return x.sum(dim=1, keepdim=True)
"""
BROKEN = {
    "gone": '[forelight.tasks]\ntabular-gone = "no_such_package.tasks:GONE"',
    "wrong": "[forelight.tasks]\ntabular-wrong = json:dumps",
    "taken": "[forelight.readers]\ncsv = json:dumps",
    "double": "[forelight.backends]\nquiet = json:dumps",
    "nothing": "[forelight.backends]\nloud = json:__doc__",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the template's package, as pip installs it."""
    folder = tmp_path_factory.mktemp("plugins")
    source = shutil.copytree(TEMPLATE, folder / "source")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", target, source], check=True)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Command:
    """Runs `python -m engine …` with these packages, and a model of the new task."""
    card = {**TABULAR_CARD, "task": "tabular-count", "signature": [{"name": "a"}, {"name": "b"}]}
    write_model(tmp_path / "models" / "m", CODE, card)

    def command(*arguments: object, beside: Path | None = None) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(map(str, (installed, *([beside] if beside else []))))
        env = {**os.environ, "PYTHONPATH": path, "FORELIGHT_MODELS": str(tmp_path / "models")}
        env |= {"FORELIGHT_HOME": str(tmp_path / "home"), "FORELIGHT_ACCELERATOR": "cpu"}
        done = subprocess.run(
            [sys.executable, "-m", "engine", *map(str, arguments)], capture_output=True, text=True, env=env, check=False
        )
        assert done.returncode == 0, done.stderr
        return done

    return command


def test_a_task_and_a_reader_of_another_package(run: Command, tmp_path: Path) -> None:
    (tmp_path / "rows.psv").write_text("a|b\n0|0\n1.5|0.5\n2|x\n")
    run("predict", "m", tmp_path / "rows.psv", "-o", tmp_path / "out.csv", "--on-error", "report")
    assert pl.read_csv(tmp_path / "out.csv")["y"].to_list() == [1.0, 7.0, None]


def test_broken_ones_are_said_and_hide_nothing(run: Command, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    for name, entries in BROKEN.items():
        made = beside / f"plugin_{name}-1.0.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{name}\nVersion: 1.0\n")
        (made / "entry_points.txt").write_text(entries.replace('"', "") + "\n")
    done = run("models", "--json", beside=beside)
    listed = {entry["id"]: entry for entry in json.loads(done.stdout)}
    assert listed["m"]["task"] == "tabular-count"
    assert not listed["m"]["error"]
    for words in (
        "'plugin-gone' offers 'tabular-gone' as one of forelight.tasks, which cannot be loaded (ModuleNotFoundError",
        "'plugin-wrong' offers 'tabular-wrong' as one of forelight.tasks, which is function, expected an engine.tasks",
        "'plugin-taken' offers 'csv' as one of forelight.readers, which has a name that is taken: '.csv'",
        "the packages 'forelight-counts', 'plugin-double' all do: none of them is used",
        "'plugin-nothing' offers 'loud' as one of forelight.backends, which is nothing that can be called",
    ):
        assert words in done.stderr


def test_registries_are_read_only() -> None:
    from engine.backends import BACKENDS
    from engine.readers import READERS
    from engine.tasks import TASKS

    for registry, name in ((TASKS, "tabular-regression"), (READERS, ".csv"), (BACKENDS, "local")):
        assert name in registry
        assert len(registry) == len(list(registry))
        with pytest.raises(TypeError):
            registry["another"] = None  # type: ignore[index]
        with pytest.raises(KeyError):
            registry["no such"]
