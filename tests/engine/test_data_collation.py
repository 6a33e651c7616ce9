"""A DataModule's own collation, by its class: the batches of its predict_dataloader, without its data."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml

from engine import Settings
from engine.cards.card import read_card
from engine.checkpoints.warm import load_model
from engine.errors import CardError
from tests.conftest import Predicting
from tests.engine.making import TABULAR_CARD
from tests.pool import open_engine

# Texts of any length, padded to the longest of a batch; what the training saw decides the letters.
CODE = """
import {package} as pl
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

class Model(pl.LightningModule):
    def __init__(self, width=3):
        super().__init__()
        self.save_hyperparameters()
        self.letters, self.head = nn.Embedding(30, width, padding_idx=0), nn.Linear(width, 1)
    def forward(self, batch):
        return self.head(self.letters(batch["letters"]).sum(1) / batch["length"][:, None])
    def training_step(self, batch, batch_idx):
        return self(batch).square().mean()
    def predict_step(self, batch, batch_idx):
        return self(batch)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

class Texts(pl.LightningDataModule):
    def __init__(self, path, alphabet, batch_size=2):
        super().__init__()
        self.save_hyperparameters()
        self.codes = {{letter: code for code, letter in enumerate(alphabet, 1)}}
    def setup(self, stage):
        self.texts = open(self.hparams.path).read().split()
    def together(self, texts):
        rows = [torch.tensor([self.codes[letter] for letter in text]) for text in texts]
        return {{"letters": pad_sequence(rows, batch_first=True), "length": torch.tensor([len(row) for row in rows])}}
    def train_dataloader(self):
        return DataLoader(self.texts, batch_size=self.hparams.batch_size, collate_fn=self.together, drop_last=False)
    predict_dataloader = train_dataloader

class Named(Texts):
    def collate_fn(self, texts):
        return self.together(texts)

class Empty(Texts):
    def predict_dataloader(self):
        return [DataLoader([], collate_fn=self.together)]

class Hooked(Empty):
    def on_after_batch_transfer(self, batch, dataloader_idx):
        return {{**batch, "length": batch["length"] * 2}}

class Collator:
    def __init__(self, alphabet):
        self.texts = Texts("", alphabet)
    def __call__(self, texts):
        return self.texts.together(texts)

class Neither:
    pass

def texts(rows, card):
    return rows["text"].to_pylist()
"""
TEXTS = ["ab", "b", "cabba", "ccc", "a"]
CARD: dict[str, Any] = {
    **TABULAR_CARD,
    "module": "made:Model",
    "signature": [{"name": "text", "type": "string", "example": "ab"}],
    "encode": "made:texts",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of both Lightnings, trained with each DataModule, and what the Trainer predicts; the data is gone."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        for package in ("pytorch_lightning", "lightning.pytorch"):
            name = f"collated_{package[:3]}"
            (folder / f"{name}.py").write_text(CODE.format(package=package))
            patch.syspath_prepend(str(folder))
            for kind in ("Texts", "Named", "Empty", "Hooked") if package[0] == "p" else ("Named",):
                _train(folder, package, name, kind)
            sys.modules.pop(name)
    return folder


@pytest.mark.filterwarnings("ignore")
def _train(folder: Path, package: str, name: str, kind: str) -> None:
    pl_package, code = importlib.import_module(package), importlib.import_module(name)
    model = folder / f"{kind.lower()}-{package[:3]}"
    model.mkdir()
    (folder / "texts.txt").write_text(" ".join(TEXTS))
    torch.manual_seed(0)
    module, data = code.Model(), getattr(code, kind)(str(folder / "texts.txt"), "abc")
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = pl_package.Trainer(accelerator="cpu", max_epochs=1, enable_checkpointing=False, **quiet)
    trainer.fit(module, datamodule=data)
    trainer.save_checkpoint(model / "model.ckpt", weights_only=True)
    whole = pl_package.LightningDataModule.from_datasets(predict_dataset=TEXTS, batch_size=5)
    whole.predict_dataloader = lambda: torch.utils.data.DataLoader(TEXTS, batch_size=5, collate_fn=data.together)
    if kind == "Hooked":
        whole.on_after_batch_transfer = data.on_after_batch_transfer
    own = torch.cat(trainer.predict(module, datamodule=whole)).flatten().tolist()
    (model / "own.yaml").write_text(yaml.safe_dump(own))
    (model / "made.py").write_text((folder / f"{name}.py").read_text())
    (model / "card.yaml").write_text(yaml.safe_dump({**CARD, "collate": f"made:{kind}"}))
    (folder / "texts.txt").unlink()


def found(folder: Path, model: str, **card: Any) -> Any:
    return load_model(read_card(folder / model / "card.yaml").model_copy(update=card), folder / model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["named-pyt", "empty-pyt", "hooked-pyt", "named-lig"])
def test_predictions_are_those_of_the_trainer_with_the_data_module(made: Path, tmp_path: Path, model: str) -> None:
    engine = open_engine(Settings(home=tmp_path / "home", models=(made,), accelerator="cpu"))
    pl.DataFrame({"text": [*TEXTS[:3], "xyz", *TEXTS[3:]]}).write_csv(tmp_path / "rows.csv")
    lines = Predicting(engine).results(model, [tmp_path / "rows.csv"], on_error="report").page(0, 10)
    engine.close()
    own = yaml.safe_load((made / model / "own.yaml").read_text())
    assert lines["y"].drop_nulls().to_list() == pytest.approx(own, rel=1e-6)
    assert lines["y"].is_null().to_list() == [False, False, False, True, False, False]
    assert lines["error"][3] == "collate does not take this row: KeyError: 'x'"


def test_where_the_loader_needs_its_data_that_is_said_and_data_helps(made: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"collate: made:Texts shows no collation.*FileNotFoundError"):
        found(made, "texts-pyt")
    (tmp_path / "few.txt").write_text("a b")
    model = found(made, "texts-pyt", data_parameters={"path": str(tmp_path / "few.txt")})
    assert model.calling.sentences[0].startswith("Model.predict_step takes the batch that made:Texts makes")


@pytest.mark.parametrize(
    ("collate", "parameters", "words"),
    [
        ("made:Collator", {"alphabet": "abc"}, ""),
        ("made:Collator", {}, "collate: made:Collator cannot be built.*the card's data_parameters; given: none"),
        ("made:Neither", {}, "made:Neither is neither a LightningDataModule nor a class whose objects make a batch"),
        ("made:Nothing", {}, "there is no function 'Nothing' in made"),
    ],
)
def test_other_classes(made: Path, collate: str, parameters: dict[str, Any], words: str) -> None:
    folder = made / "named-pyt"
    state = torch.load(folder / "model.ckpt", weights_only=True)
    torch.save({**state, "datamodule_hyper_parameters": {}}, folder / "bare.ckpt")
    card = {"collate": collate, "data_parameters": parameters, "checkpoint": "bare.ckpt"}
    if words:
        with pytest.raises(CardError, match=words):
            found(made, "named-pyt", **card)
    else:
        assert found(made, "named-pyt", **card).calling.batch == "own"
