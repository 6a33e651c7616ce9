"""Cards and the registry: errors name the key and the nearest known one; a broken card hides no other."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cards.card import read_card
from engine.errors import CardError, UnknownModel
from engine.models.registry import ModelRegistry
from engine.settings import BUNDLED_MODELS, Settings
from engine.tasks import TASKS, task_of
from tests.engine.making import TABULAR_CARD

GOOD: dict[str, Any] = {"module": "model:Model", **TABULAR_CARD}


def written(folder: Path, card: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.ckpt").write_bytes(b"weights")
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    return folder / "card.yaml"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"titel": "x"}, "unknown key 'titel', did you mean 'title'?"),
        ({"signature": [{"name": "a", "rnage": [0, 1]}]}, "unknown key 'signature.0.rnage', did you mean 'range'?"),
        ({"signature": [{"name": "a", "range": [2, 1]}]}, r"range of column 'a' ends \(1.0\) before it begins"),
        ({"signature": [{"name": "a"}, {"name": "a"}]}, "signature: 'a' stands there twice"),
        ({"signature": [{"name": "a", "type": "category"}]}, "needs `categories`"),
        ({"signature": [{"name": "y"}]}, "'y' is the name of a column of the results"),
        ({"target": "a"}, "a label is never fed to the model"),
        ({"module": "model.Model"}, "'module'"),
        ({"title": None}, "'title'"),
        ({"image": {"size": [0, 8]}}, "at least 1 × 1"),
        ({"image": {"size": [8, 8], "mean": [1, 2]}}, "mean has 2 figures for 3 channels"),
        ({"sha256": "abc"}, "'sha256'"),
    ],
)
def test_errors_of_cards(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(CardError, match=words):
        read_card(written(tmp_path / "m", {**GOOD, **change}))


@pytest.mark.parametrize("content", ["- a list", "a: [", "\x00"])
def test_files_that_are_no_cards(tmp_path: Path, content: str) -> None:
    (tmp_path / "card.yaml").write_text(content)
    with pytest.raises(CardError, match=r"card\.yaml"):
        read_card(tmp_path / "card.yaml")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="key 'module' is missing"):
        read_card(written(tmp_path / "m", TABULAR_CARD))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_each_task_says_what_its_card_lacks(tmp_path: Path, name: str) -> None:
    card = read_card(written(tmp_path / "m", {"title": "t", "module": "m:M", "task": name}))
    with pytest.raises(CardError, match="is missing"):
        task_of(card).check_card(card)


def test_an_unknown_task_names_the_nearest(tmp_path: Path) -> None:
    card = read_card(written(tmp_path / "m", {**GOOD, "task": "tabular-regresion"}))
    with pytest.raises(CardError, match="did you mean 'tabular-regression'|Did you mean 'tabular-regression'"):
        task_of(card)


def test_a_broken_card_hides_no_other_and_a_mended_one_is_seen(tmp_path: Path) -> None:
    registry = ModelRegistry([tmp_path])
    written(tmp_path / "good", GOOD)
    path = written(tmp_path / "bad", {**GOOD, "titel": "x"})
    entries = {entry.id: entry for entry in registry.entries()}
    assert entries["good"].card is not None
    assert "unknown key 'titel'" in entries["bad"].error
    path.write_text(yaml.safe_dump({**GOOD, "title": "mended"}) + "\n# changed\n")
    assert registry.entry("bad").usable_card().title == "mended"
    written(tmp_path / "new", GOOD)
    assert [entry.id for entry in registry.entries()] == ["bad", "good", "new"]


def test_a_checkpoint_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.ckpt").write_bytes(b"x")
    written(tmp_path / "models" / "m", {**GOOD, "checkpoint": "../../secret.ckpt"})
    assert "is not in the model's folder" in ModelRegistry([tmp_path / "models"]).entry("m").error


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Did you mean 'digits'"):
        ModelRegistry([BUNDLED_MODELS]).entry("digit")


def test_model_folders_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORELIGHT_MODELS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    settings = Settings()
    assert settings.models == (tmp_path / "a", tmp_path / "b")
    assert settings.runs_folder == tmp_path / "home" / "runs"


@pytest.mark.parametrize("folder", sorted(BUNDLED_MODELS.iterdir()), ids=lambda folder: folder.name)
def test_bundled_cards_hold_what_they_promise(folder: Path) -> None:
    card = read_card(folder / "card.yaml")
    assert hashlib.sha256((folder / card.checkpoint).read_bytes()).hexdigest() == card.sha256
    assert (folder / card.checkpoint).stat().st_size <= 5_000_000
    assert all((folder / file).is_file() for sample in card.samples for file in sample.files)
    assert card.samples
    figures = {figure.name: figure.value for figure in card.figures}
    floors = {"breast-cancer": 0.95, "digits": 0.97, "cifar10": 0.80}
    assert figures.get("Accuracy", 1) >= floors.get(folder.name, 0)
