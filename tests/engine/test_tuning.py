"""Options of a card for speed: layout and compilation, and `check --tune`, which measures them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from engine.cards.card import read_card
from engine.checkpoints.compiling import compile_forward
from engine.checkpoints.warm import load_model
from engine.cli import app
from engine.errors import CardError, PredictionFailed
from engine.model_check.tuning import Difference, Trial, Tuning
from engine.prediction.predictor import predict_shard
from engine.readers import Source
from engine.runs.folder import RunFolder
from engine.settings import Settings
from tests.engine.making import TABULAR_CARD, linear, write_model

PICTURES: dict[str, Any] = {
    "title": "Pictures",
    "task": "image-classification",
    "image": {"size": [8, 8], "mean": [0.5], "std": [0.2]},
    "labels": ["a", "b"],
    "output_kind": "logits",
}
CODE = """
import pytorch_lightning as pl
import torch
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 2, 8)
    def forward(self, x):
        if len(x) == 4:
            assert x.is_contiguous(memory_format=torch.{layout})
            assert self.layer.weight.is_contiguous(memory_format=torch.{layout})
        return self.layer(x).flatten(1)
"""
ROWS = "a,b,c,d\n" + "".join(f"{number},{number % 7},{number % 3},1\n" for number in range(200))


def zipped(path: Path, count: int) -> Path:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            content = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(content, "PNG")
            archive.writestr(f"{number}.png", content.getvalue())
    return path


def test_channels_last_reaches_the_model_and_changes_nothing(tmp_path: Path) -> None:
    path, found = zipped(tmp_path / "pictures.zip", 4), []
    for layout, torchs in (("contiguous", "contiguous_format"), ("channels_last", "channels_last")):
        folder = write_model(tmp_path / layout, CODE.format(layout=torchs), {**PICTURES, "memory_format": layout})
        model = load_model(read_card(folder / "card.yaml"), folder)
        model.task.inputs.ingest([Source(path.name, path)], model.card, folder, Settings(), {}, lambda *_: None)
        predict_shard(model, RunFolder(folder).rows(), 1, folder / "lines.parquet", accelerator="cpu")
        found.append(pl.read_parquet(folder / "lines.parquet").select("probability_a", "probability_b").to_numpy())
    assert np.allclose(found[0], found[1], atol=1e-5)


def test_a_layout_of_pictures_is_for_pictures(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "rows", linear(), {**TABULAR_CARD, "memory_format": "channels_last"})
    with pytest.raises(CardError, match="channels_last is a layout of pictures, and this model takes none"):
        read_card(folder / "card.yaml")


def test_several_rows_are_compiled_and_one_is_not() -> None:
    seen: list[int] = []
    module, plain = nn.Linear(4, 1), nn.Linear(4, 1)
    plain.load_state_dict(module.state_dict())

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        seen.append(len(inputs))
        return graph.forward

    compile_forward(module, "Linear", backend)
    for rows, compiled in ((1, False), (5, True), (9, True)):
        x = torch.randn(rows, 4)
        assert torch.equal(module(x), plain(x))
        assert bool(seen) == compiled


def test_what_cannot_be_compiled_is_said() -> None:
    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        raise RuntimeError("No working C++ compiler found")

    module = nn.Linear(4, 1)
    compile_forward(module, "Linear", backend)
    with pytest.raises(PredictionFailed, match=r"'Linear' could not be compiled .*C\+\+ compiler.* out of the card"):
        module(torch.randn(3, 4))


def test_what_is_recommended_is_faster_and_predicts_the_same() -> None:
    slow = Trial({"compile": True}, 1.05)
    rough = Trial({"precision": "bf16-mixed"}, 3.0, Difference(0, 0.02))
    wrong = Trial({"precision": "bf16-true"}, 9.0, Difference(1, 0.0))
    failed = Trial({"precision": "16-mixed"}, 9.0, error="no")
    fine, finer = Trial({"memory_format": "channels_last"}, 1.5, Difference(0, 1e-6)), Trial({"compile": True}, 1.6)
    assert Tuning(9, 1.0, (slow, rough, wrong, failed), 1, 1).best == {}
    assert Tuning(9, 1.0, (slow, rough, fine, finer), 1, 1).best == {"compile": True}


def test_tuning_measures_and_says_what_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = {**TABULAR_CARD, "compile": True, "samples": [{"title": "Rows", "files": ["rows.csv"]}]}
    folder = write_model(tmp_path / "models" / "rows", linear(), card)
    (folder / "rows.csv").write_text(ROWS)
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORELIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FORELIGHT_ACCELERATOR", "cpu")
    done = CliRunner().invoke(app, ["check", "rows", "--tune", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [each["options"] for each in found["trials"][:3]] == [
        {"precision": "bf16-mixed"},
        {"precision": "bf16-true"},
        {"compile": True},
    ]
    assert found["rows"] == 200
    assert found["batch_size"] >= 1
    assert all(each["ratio"] > 0 and not each["error"] for each in found["trials"]), found
    assert found["trials"][2]["figures"] < 1e-5
