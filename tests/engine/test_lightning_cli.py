"""Checkpoints that LightningCLI wrote, of either Lightning: loaded without building what the file names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

from engine.cards.card import read_card
from engine.checkpoints.warm import LoadedModel, load_model
from engine.cli import app
from engine.errors import CardError, ForelightError
from tests.engine.making import TABULAR_CARD

CODE = """
import {package} as pl
import torch
from torch import nn

class Head(nn.Module):
    def __init__(self, width: int = 4, block: nn.Module | None = None):
        super().__init__()
        self.layer, self.block = nn.Linear(width, 1), block

    def forward(self, x):
        return self.layer(x if self.block is None else self.block(x))

class Plain(pl.LightningModule):
    def __init__(self, width: int = 4, hidden: int = 8):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return nn.functional.mse_loss(self(x)[:, 0], y)

class Nested(Plain):
    def __init__(self, head: Head, scale: float = 2.0):
        pl.LightningModule.__init__(self)
        self.save_hyperparameters()
        self.head, self.scale = head, scale

    def forward(self, x):
        return self.head(x) * self.scale

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-3)

class Data(pl.LightningDataModule):
    def __init__(self, rows: int = 8):
        super().__init__()
        self.save_hyperparameters()
        self.rows = rows

    def train_dataloader(self):
        x = torch.arange(self.rows * 4.0).reshape(-1, 4) / 10
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1)), batch_size=4)
"""
TRAINER = ["accelerator=cpu", "logger=false", "max_epochs=1", "enable_progress_bar=false", "enable_model_summary=false"]
OPTIMIZER = ["--optimizer=SGD", "--optimizer.lr=0.01"]
NESTED = ["--model.head=cli_made.Head", "--model.head.width=4", "--model.head.block=torch.nn.Tanh"]
HEAD = {"class_path": "model:Head", "init_args": {"block": {"class_path": "torch.nn.Tanh"}}}


@pytest.fixture(params=["pytorch_lightning", "lightning.pytorch"])
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Lightning, and the module `cli_made` written on it."""
    (tmp_path / "cli_made.py").write_text(CODE.format(package=request.param))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield request.param
    sys.modules.pop("cli_made")


def trained(package: str, folder: Path, kind: str, arguments: list[str], card: dict[str, Any], **cli: Any) -> Any:
    """The module as LightningCLI trained it; its checkpoint lies in `folder/m` with a card."""
    made = importlib.import_module("cli_made")
    trainer = [f"--trainer.{each}" for each in TRAINER] + [f"--trainer.default_root_dir={folder}"]
    run = importlib.import_module(f"{package}.cli").LightningCLI(
        getattr(made, kind), made.Data, args=["fit", *arguments, *trainer], save_config_callback=None, **cli
    )
    (folder / "m").mkdir()
    next(folder.glob("**/*.ckpt")).rename(folder / "m" / "model.ckpt")
    (folder / "m" / "model.py").write_text((folder / "cli_made.py").read_text())
    (folder / "m" / "card.yaml").write_text(yaml.safe_dump({**TABULAR_CARD, "module": f"model:{kind}", **card}))
    return run.model


def loaded(folder: Path) -> LoadedModel:
    return load_model(read_card(folder / "m" / "card.yaml"), folder / "m")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "arguments", "card", "cli"),
    [
        ("Plain", ["--model.hidden=6", *OPTIMIZER], {}, {}),
        ("Plain", ["--model=cli_made.Plain", "--model.hidden=6", *OPTIMIZER], {}, {"subclass_mode_model": True}),
        ("Nested", NESTED, {"hyper_parameters": {"head": HEAD}}, {}),
    ],
    ids=["plain", "subclass", "nested"],
)
def test_loads_as_it_was_trained(
    package: str, tmp_path: Path, kind: str, arguments: list[str], card: dict[str, Any], cli: dict[str, Any]
) -> None:
    model = trained(package, tmp_path, kind, arguments, card, **cli)
    found = loaded(tmp_path)
    x = torch.arange(12.0).reshape(3, 4)
    with torch.inference_mode():
        assert torch.equal(found.module(x), model.eval()(x))
    assert found.checkpoint.data_parameters == {"rows": 8}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["pytorch_lightning"], indirect=True)
def test_classes_that_the_file_names_are_not_built(package: str, tmp_path: Path) -> None:
    trained(package, tmp_path, "Nested", NESTED, {})
    with pytest.raises(
        ForelightError, match=r"a file is not believed about classes.*head: \{class_path: cli_made.Head\}"
    ):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"class_path": "model:Heda"}, "hyper_parameters.head: there is no class 'model:Heda'"),
        ({"class_path": "nowhere.Head"}, "hyper_parameters.head: 'nowhere' cannot be imported"),
        ({"class_path": "model:Head", "init_args": {"width": "x"}}, r"hyper_parameters.head: Head cannot be built"),
    ],
)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["pytorch_lightning"], indirect=True)
def test_a_class_that_the_card_gets_wrong(package: str, tmp_path: Path, head: dict[str, Any], words: str) -> None:
    trained(package, tmp_path, "Nested", NESTED, {"hyper_parameters": {"head": head}})
    with pytest.raises(CardError, match=words):
        loaded(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["lightning.pytorch"], indirect=True)
def test_init_asks_for_the_classes_that_the_file_describes(package: str, tmp_path: Path) -> None:
    trained(package, tmp_path, "Nested", NESTED, {})
    command = ["init", str(tmp_path / "m" / "model.ckpt"), "--module", f"{tmp_path / 'm' / 'model.py'}:Nested"]
    first = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "models" / "asked")])
    assert first.exit_code == 2, first.output
    assert "# hyper_parameters: {head: {class_path: model.Head}}" in (tmp_path / "models/asked/card.yaml").read_text()
    wrong = CliRunner().invoke(
        app, [*command, "-o", str(tmp_path / "models" / "wrong"), "--set", "x={class_path: no.Y}"]
    )
    assert wrong.exit_code == 1
    assert "hyper_parameters.x: 'no' cannot be imported" in wrong.output
    said = ["--task", "tabular-regression", "--inputs", "a,b,c,d", "--outputs", "y"]
    said += ["--set", f"head={yaml.safe_dump(HEAD, default_flow_style=True)}"]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "models" / "told"), *said])
    assert done.exit_code == 0, done.output
    found = load_model(read_card(tmp_path / "models" / "told" / "card.yaml"), tmp_path / "models" / "told")
    assert type(found.module.head.block) is torch.nn.Tanh
