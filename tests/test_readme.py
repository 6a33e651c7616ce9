"""What the README says to type works, and what it and docs show of cards, models and settings is so."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from engine.cards.card import ModelCard, read_card
from engine.settings import BUNDLED_MODELS, Settings
from engine.tasks import TASKS, task_of
from tests.engine.making import TABULAR_CARD, write_model
from tests.engine.test_draft import CLASSIFIER, ROWS
from tests.forking import place

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
PYTHON = ".venv/bin/python "


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's own and the files a host has, to run commands in; the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "engine").symlink_to(ROOT / "engine")
    trained = write_model(folder / "trained", CLASSIFIER, TABULAR_CARD, 3)
    (trained / "model.ckpt").rename(folder / "last.ckpt")
    (folder / "churn.py").write_text(CLASSIFIER.replace("Model(", "Churn("))
    (folder / "customers.csv").write_text(ROWS)
    return folder


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith(PYTHON)])
def test_commands_run(elsewhere: Path, command: str) -> None:
    place()
    environment = {
        **os.environ,
        "FORELIGHT_HOME": str(elsewhere / "home"),
        "FORELIGHT_MODELS": os.pathsep.join((str(elsewhere / "models"), str(BUNDLED_MODELS))),
        "FORELIGHT_ACCELERATOR": "cpu",
        "PYTHONPATH": str(ROOT),
    }
    words = [sys.executable, *shlex.split(command.removeprefix(PYTHON).replace(" -m ", " -m tests.forked ", 1))]
    done = subprocess.run(words, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_make_targets_are_there(command: str) -> None:
    done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_else_is_said_to_be_typed() -> None:
    assert COMMANDS
    assert all(command.startswith((PYTHON, "make ")) for command in COMMANDS)


def test_the_card_is_one() -> None:
    page = (ROOT / "docs" / "your-model.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    card = ModelCard.model_validate(yaml.safe_load(text))
    task_of(card).check_card(card)


def test_every_task_has_its_place_and_every_model_its_figure() -> None:
    page = (ROOT / "docs" / "tasks" / "README.md").read_text(encoding="utf-8")
    assert set(TASKS) <= set(re.findall(r"`([a-z-]+)`", page))
    for folder in BUNDLED_MODELS.iterdir():
        card = read_card(folder / "card.yaml")
        [line] = [line for line in page.splitlines() if line.startswith(f"| `{folder.name}`")]
        figure = card.figures[0]
        shown = re.findall(r"\d+\.\d+", line)[0]
        assert card.task in line
        assert f"{figure.value:.{len(shown.split('.')[1])}f}" == shown


def test_the_pictures_are_there() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).stat().st_size > 10_000, path


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").replace("ARCHIVE_…", "ARCHIVE_BYTES")
    told = {name.lower() for name in re.findall(r"`FORELIGHT_([A-Z_]+)`", page)}
    assert set(Settings.model_fields) - told <= {"max_archive_members", "max_archive_ratio"}
