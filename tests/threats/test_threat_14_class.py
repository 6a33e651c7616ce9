"""Threat 14: the class comes from the card. What a checkpoint names as its own is neither imported nor built."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints.module import build_module
from engine.errors import ForelightError
from tests.threats.checkpoints import CARD, load, saved

NAMED = "named_by_a_checkpoint"
FITS = {"features": 3, "classes": 2, "hidden": 4}


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once the module of that name was imported."""
    mark = tmp_path / "was-imported"
    (tmp_path / f"{NAMED}.py").write_text(f"open({str(mark)!r}, 'w')\nclass Model: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return mark


@pytest.mark.parametrize(
    "content",
    [
        {"hyper_parameters": {**FITS, "_class_path": f"{NAMED}.Model"}},
        {"hyper_parameters": {**FITS, "_instantiator": f"{NAMED}.Model"}},
        {"hyper_parameters": {**FITS, "hidden": {"class_path": f"{NAMED}.Model", "init_args": {}}}},
        {"hyper_parameters": {**FITS, "class_path": f"{NAMED}.Model"}},
        {"hyper_parameters": FITS, "hparams_type": f"{NAMED}.Model", "hparams_name": f"{NAMED}.Model"},
        {"hyper_parameters": FITS, "datamodule_hyper_parameters": {"_class_path": f"{NAMED}.Model"}},
    ],
)
def test_what_it_names_is_not_imported(tmp_path: Path, mark: Path, content: dict[str, Any]) -> None:
    from engine.demos.mlp import MlpClassifier

    path = saved(tmp_path / "model.ckpt", state_dict=MlpClassifier(3, 2, 4).state_dict(), **content)
    with suppress(ForelightError):  # it may be refused for that
        assert type(build_module(CARD, tmp_path, load(path))) is MlpClassifier
    assert not mark.exists()
    assert NAMED not in sys.modules
