"""Models that break only when they are loaded: listed with the sentence that mends them, while the others work."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from starlette.testclient import TestClient

from dashboard.v1.app import api
from engine import Caller, Engine, GuardedEngine
from tests.dashboard.conftest import sharing_engine
from tests.dashboard.test_pages import opened, words
from tests.engine.making import TABULAR_CARD, write_model

CODE = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, width=4):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(width, 1)
    def forward(self, x):
        return self.layer(x)
"""
FAILS = CODE.replace("nn.Linear(width, 1)", "nn.Linear(width, self.depth)")
OTHER = CODE.replace("self.layer =", "self.other =")
BREAKS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no-module": ({"module": "gone:Model"}, CODE, "Put gone.py beside the card, or install the package it is in."),
    "no-package": ({}, "import gone_package\n" + CODE, "'model' cannot be imported (ModuleNotFoundError: No module"),
    "no-class": ({"module": "model:Modle"}, CODE, "there is no class 'Modle' in model; it has Model."),
    "other-class": ({}, OTHER, "Name the class it was trained with."),
    "other-width": ({"hyper_parameters": {"width": 3}}, CODE, "Give the hyper-parameters it was trained with"),
    "wrong-hash": ({"sha256": "0" * 64}, CODE, "Put the right file there, or the new hash into the card."),
    "fails-in-init": ({}, FAILS, "Model cannot be built (AttributeError"),
    "no-encode": ({"encode": "model:encode"}, CODE, "encode: there is no function 'encode' in model; it has"),
    "no-collate": ({"collate": "gone:collate"}, CODE, "collate: 'gone' cannot be imported"),
    "wrong-signature": ({"signature": [{"name": "a"}]}, CODE, "Check the signature's number of columns"),
    "zero-exit": ({}, "import os\nos._exit(0)\n" + CODE, "loading it ended the process: exit code 0."),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, all but one of them broken."""
    folder = tmp_path_factory.mktemp("models")
    good = write_model(folder / "good", CODE, TABULAR_CARD)
    for name, (card, code, _) in BREAKS.items():
        shutil.copytree(good, folder / name)
        (folder / name / "model.py").write_text(code)
        (folder / name / "card.yaml").write_text(yaml.safe_dump({"module": "model:Model", **TABULAR_CARD, **card}))
    return folder


@pytest.fixture(scope="module")
def engine(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server's engine that has tried all of them."""
    with pytest.MonkeyPatch.context() as patch, sharing_engine(tmp_path_factory.mktemp("home"), models) as shared:
        patch.setattr("engine.lifecycle.load_check._SECONDS_BETWEEN_LOOKS", 0.2)
        shared.serve()
        until(lambda: set(errors(shared)) == set(BREAKS))
        yield shared


def errors(engine: Engine) -> dict[str, str]:
    return {entry.id: entry.error for entry in engine.models() if entry.error}


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize("model", BREAKS)
def test_it_is_listed_with_the_sentence_that_mends_it(engine: Engine, model: str) -> None:
    assert BREAKS[model][2] in errors(engine)[model]


def test_pages_and_api_say_so_and_the_others_work(engine: Engine) -> None:
    page = words(opened("models"))
    assert "A test model" in page, "the good one is shown whole"
    assert f"{len(BREAKS)} models cannot be used" in page
    _, token = GuardedEngine(engine, Caller("ann")).make_token("test", ("models", "run"))
    client = TestClient(api, root_path="", headers={"authorization": f"Bearer {token}"})
    told = {each["id"]: each["error"] for each in client.get("/models").json()}
    for model, (_, _, sentence) in BREAKS.items():
        assert sentence in page
        assert sentence in told[model]
    rows = {"rows": [{"a": 1, "b": 2, "c": 3, "d": 4}]}
    done = client.post("/models/good/predictions", json=rows).json()
    assert isinstance(done["rows"][0]["y"], float)
    refused = client.post("/models/no-encode/predictions", json=rows)
    assert refused.status_code >= 400
    assert "there is no function 'encode' in model" in refused.json()["detail"]


def test_another_version_is_tried_once_it_is_looked_at(engine: Engine, models: Path) -> None:
    told = {"versions": [{"name": "2", "checkpoint": "second.ckpt"}]}
    (models / "good" / "second.ckpt").write_bytes(b"no checkpoint")
    (models / "good" / "versions.yaml").write_text(yaml.safe_dump(told))
    until(lambda: "second.ckpt is not a checkpoint" in engine.model("good", "2").error)
    assert engine.model("good").error == ""
    (models / "good" / "versions.yaml").unlink()


def test_what_takes_too_much_memory_says_so(engine: Engine, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.lifecycle.load_check._FREE_BYTES", -(2**40))
    (models / "good" / "model.py").write_text(CODE + "# read anew\n")
    until(lambda: "GiB of memory, and its checkpoint has" in errors(engine).get("good", ""))
    monkeypatch.undo()
    (models / "good" / "model.py").write_text(CODE)
    until(lambda: "good" not in errors(engine))


def test_a_mended_one_is_there_again_and_a_spoilt_one_not(engine: Engine, models: Path) -> None:
    shutil.copyfile(models / "good" / "model.py", models / "no-module" / "gone.py")
    state = torch.load(models / "good" / "model.ckpt", weights_only=True)
    torch.save({**state, "state_dict": {}}, models / "good" / "model.ckpt")
    until(lambda: "no-module" not in errors(engine) and "it lacks 'layer.bias'" in errors(engine).get("good", ""))
    assert engine.facts("no-module").parameters == 5
