"""ExportCard: what a training leaves is a folder that a dashboard serves, whichever Lightning trained it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import lightning.pytorch
import polars as pl
import pytest
import pytorch_lightning
import torch
from torch.utils.data import DataLoader, TensorDataset
from typer.testing import CliRunner

from engine import Options, Settings, Source
from engine.cards.card import file_hash
from engine.cards.versions import read_versions, set_default
from engine.checkpoints.warm import load_model
from engine.cli import app
from engine.errors import CardError
from engine.export import ExportCard
from engine.models.registry import read_entries
from tests.pool import open_engine

CODE = """
import {package} as pl
import torch
from torch import nn
class Price(pl.LightningModule):
    def __init__(self, features):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(features, 1)
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, batch_idx):
        x, y = batch
        return nn.functional.mse_loss(self(x)[:, 0], y)
    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mse", nn.functional.mse_loss(self(x)[:, 0], y))
        self.log("other", 1.0)
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.05)
"""
CARD: dict[str, Any] = {
    "title": "Price of a flat",
    "task": "tabular-regression",
    "signature": ["area", {"name": "floor", "type": "integer", "unit": "storeys"}],
    "outputs": [{"name": "price", "unit": "EUR"}],
}


@pytest.fixture(params=[pytorch_lightning, lightning.pytorch], ids=["pytorch_lightning", "lightning"])
def package(request: pytest.FixtureRequest) -> ModuleType:
    found: ModuleType = request.param
    return found


@pytest.fixture
def kind(tmp_path: Path, package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The class, in a file of its own, as a project has it."""
    name = f"flats_{package.__name__.partition('.')[0]}"
    (tmp_path / f"{name}.py").write_text(CODE.format(package=package.__name__))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(name).Price
    del sys.modules[name]


def data(rows: int = 200) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    area = torch.rand(rows, generator=generator) * 100 + 20
    floor = torch.randint(0, 9, (rows,), generator=generator).float()
    return TensorDataset(torch.stack([area, floor], 1), area * 3 + floor)


def train(package: ModuleType, module: Any, callback: ExportCard, folder: Path, **options: Any) -> Any:
    trainer = package.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=mkdtemp(dir=folder),
        callbacks=[callback, *options.pop("callbacks", ())],
        **options,
    )
    loader = DataLoader(data(), batch_size=50)
    trainer.fit(module, loader, loader)
    return trainer


def test_a_training_ends_in_a_model_that_is_served(tmp_path: Path, package: ModuleType, kind: Any) -> None:
    models = tmp_path / "models"
    models.mkdir()
    engine = open_engine(Settings(home=tmp_path / "home", models=(models,)))
    assert engine.models() == ()
    module = kind(2)
    train(package, module, ExportCard(models / "flats", **CARD), tmp_path)
    [entry] = engine.models()
    card = entry.usable_card()
    x = data().tensors[0]
    area = card.column("area")
    assert area.trained is not None
    assert area.trained[0] == pytest.approx(x[:, 0].min().item(), rel=1e-5)
    assert area.trained[2] == pytest.approx(x[:, 0].double().quantile(0.5).item(), rel=1e-5)
    assert area.trained[4] == pytest.approx(x[:, 0].max().item(), rel=1e-5)
    assert [figure.name for figure in card.figures] == ["val_mse"]
    sample = entry.folder / card.samples[0].files[0]
    rows = pl.read_csv(sample)
    assert rows.columns == ["area", "floor"]
    run = engine.check("flats", [Source(sample.name, sample)])
    assert run.report.clean
    engine.submit(run.id, Options())
    assert engine.wait(run.id).state == "done"
    with torch.inference_mode():
        expected = module.eval()(torch.from_numpy(rows.to_numpy()).float())[:, 0]
    assert engine.results(run.id).page(0, 100)["price"].to_list() == pytest.approx(expected.tolist(), rel=1e-5)
    kept = torch.load(entry.folder / card.checkpoint, weights_only=True)
    assert "optimizer_states" not in kept
    far = tmp_path / "far.csv"
    far.write_text("area,floor\n50,3\n5000,3\n9000,3\n")
    notes = [problem.message for problem in engine.check("flats", [Source("far.csv", far)]).report.problems]
    assert any("2 rows are outside of" in note for note in notes)
    engine.close()


def test_the_best_checkpoint_is_the_one(tmp_path: Path, kind: Any, package: ModuleType) -> None:
    best = package.callbacks.ModelCheckpoint(tmp_path / "kept", monitor="val_mse", mode="max", save_top_k=1)
    train(package, kind(2), ExportCard(tmp_path / "models" / "flats", **CARD), tmp_path, callbacks=[best])
    kept = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    written = torch.load(tmp_path / "models" / "flats" / "model.ckpt", weights_only=True)["state_dict"]
    assert torch.load(best.best_model_path, weights_only=True)["epoch"] == 0, "the worst, as asked: not the last"
    assert all(torch.equal(kept[name], written[name]) for name in kept)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_hash(path) for path in folder.rglob("*") if path.is_file()}


def test_a_second_training_is_a_further_version(tmp_path: Path, kind: Any, package: ModuleType) -> None:
    folder = tmp_path / "models" / "flats"
    for title in ("First", "Second"):
        train(package, kind(2), ExportCard(folder, **{**CARD, "title": title}), tmp_path)
    set_default(folder, "2")
    before = contents(folder)
    train(package, kind(2), ExportCard(folder, **CARD), tmp_path)
    assert before.items() - contents(folder).items() == {("versions.yaml", before["versions.yaml"])}
    found = read_versions(folder)
    assert (found.default, [version.name for version in found.versions]) == ("2", ["2", "3"])
    assert [figure.name for version in found.versions for figure in version.figures] == ["val_mse", "val_mse"]
    assert all(version.created and version.trained["area"] and not version.module for version in found.versions)
    entries = read_entries(folder / "card.yaml")
    assert {entries[name].usable_card().title for name in ("1", "2", "3")} == {"First"}
    weights = [load_model(entries[name].usable_card(), folder).module.net.weight for name in ("1", "2", "3")]
    assert not torch.equal(weights[0], weights[1])
    train(package, kind(2), ExportCard(folder, make_default=True, **CARD), tmp_path)
    assert read_versions(folder).default == "4"
    assert [path.name for path in folder.parent.iterdir()] == ["flats"]


@pytest.fixture
def flats(tmp_path: Path) -> Iterator[tuple[Path, Any]]:
    """A folder that a training left, and the class: with one of the two packages alone."""
    (tmp_path / "flats_again.py").write_text(CODE.format(package="pytorch_lightning"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        kind = __import__("flats_again").Price
        folder = tmp_path / "models" / "flats"
        train(pytorch_lightning, kind(2), ExportCard(folder, **CARD), tmp_path)
        yield folder, kind
        del sys.modules["flats_again"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signature": ["area", "storey"]}, "signature: the card there says area, floor, this training area, storey"),
        (
            {"signature": ["area", {"name": "floor", "type": "float"}]},
            "signature, 'floor', type: .*integer.*float",
        ),
        ({"signature": ["area", {"name": "floor", "unit": "m"}]}, "signature, 'floor', unit: .*storeys.* m"),
        ({"outputs": [{"name": "rent"}]}, "outputs: .*says price.*rent"),
        ({"step": "forward"}, "step: .*predict_step.*forward"),
        ({"task": "sequence-regression", "sequence": {}}, "task: .*tabular-regression.*sequence-regression"),
    ],
)
def test_another_model_takes_nobodys_place(
    tmp_path: Path, flats: tuple[Path, Any], changes: dict[str, Any], words: str
) -> None:
    folder, kind = flats
    before = contents(folder)
    with pytest.raises(CardError, match=f"holds another model. {words}.*nothing in it was changed"):
        train(pytorch_lightning, kind(2), ExportCard(folder, **{**CARD, **changes}), tmp_path)
    assert contents(folder) == before


def test_another_class_takes_nobodys_place(tmp_path: Path, flats: tuple[Path, Any]) -> None:
    folder, kind = flats
    with pytest.raises(CardError, match="module: the card there says Price, this training Rent"):
        train(pytorch_lightning, type("Rent", (kind,), {})(2), ExportCard(folder, **CARD), tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, flats: tuple[Path, Any]) -> None:
    _, kind = flats
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(CardError, match="holds no card.yaml"):
        train(pytorch_lightning, kind(2), ExportCard(tmp_path / "thesis", **CARD), tmp_path)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_class_that_changed_leaves_older_versions_theirs(tmp_path: Path, flats: tuple[Path, Any]) -> None:
    folder, _ = flats
    source = tmp_path / "flats_again.py"
    source.write_text(source.read_text().replace("nn.Linear(features, 1)", "nn.Linear(features, 1, bias=False)"))
    del sys.modules["flats_again"]
    standardised = {**CARD, "signature": [{"name": "area", "mean": 70, "std": 30}, CARD["signature"][1]]}
    train(pytorch_lightning, __import__("flats_again").Price(2), ExportCard(folder, **standardised), tmp_path)
    entries = read_entries(folder / "card.yaml")
    first, second = (load_model(entries[name].usable_card(), folder) for name in ("1", "2"))
    assert (first.card.module, second.card.module) == ("flats_again:Price", "flats_again_2:Price")
    assert (first.module.net.bias is None, second.module.net.bias is None) == (False, True)
    assert [(model.card.column("area").mean, model.card.column("area").std) for model in (first, second)] == [
        (0, 1),
        (70, 30),
    ]


def test_files_that_the_class_imports_go_along_and_stay_with_their_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, sizes, folder = tmp_path / "houses.py", tmp_path / "house_sizes.py", tmp_path / "models" / "houses"
    code = CODE.format(package="pytorch_lightning").replace("nn.Linear(features, 1)", "house_sizes.layer(features)")
    source.write_text("import house_sizes\n" + code)
    monkeypatch.syspath_prepend(tmp_path)
    for bias in (True, False):
        sizes.write_text(f"from torch import nn\ndef layer(features): return nn.Linear(features, 1, bias={bias})\n")
        train(pytorch_lightning, __import__("houses").Price(2), ExportCard(folder, **CARD), tmp_path)
        del sys.modules["houses"], sys.modules["house_sizes"]
    entries = read_entries(folder / "card.yaml")
    assert [entries[name].usable_card().module for name in ("1", "2")] == ["houses:Price", "houses_2.houses:Price"]
    models = [load_model(entries[name].usable_card(), folder) for name in ("1", "2")]
    assert [model.module.net.bias is None for model in models] == [False, True]
    (folder / "houses_2" / "house_sizes.py").write_text("broken")
    again = read_entries(folder / "card.yaml")
    assert [again[name].card_sha256 == entries[name].card_sha256 for name in ("1", "2")] == [True, False]


def test_a_training_is_not_lost_where_the_folder_is_anothers_by_its_end(
    tmp_path: Path, flats: tuple[Path, Any]
) -> None:
    _, kind = flats
    taken = tmp_path / "models" / "taken"

    class Takes(pytorch_lightning.Callback):
        def on_train_end(self, trainer: Any, module: Any) -> None:
            taken.mkdir()
            (taken / "card.yaml").write_text("title: another")

    with pytest.warns(UserWarning, match=r"the model is in '.*taken-2' instead"):
        train(pytorch_lightning, kind(2), ExportCard(taken, **CARD), tmp_path, callbacks=[Takes()])
    assert (taken / "card.yaml").read_text() == "title: another"
    assert read_entries(taken.with_name("taken-2") / "card.yaml")["1"].card is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"tsak": "x"}, "tsak"), ({"task": "tabular-regresion"}, "Did you mean"), ({"outputs": []}, "outputs")],
)
def test_a_wrong_card_is_found_before_the_training(
    tmp_path: Path, kind: Any, package: ModuleType, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        train(package, kind(2), ExportCard(tmp_path / "models" / "flats", **{**CARD, **changes}), tmp_path)
    assert not (tmp_path / "models").exists()


def test_a_sample_that_is_not_there(tmp_path: Path, kind: Any, package: ModuleType) -> None:
    with pytest.raises(CardError, match="no sample"):
        train(package, kind(2), ExportCard(tmp_path / "m", sample=tmp_path / "no.csv", **CARD), tmp_path)


def test_what_cannot_be_served_is_said_when_it_is_written(tmp_path: Path, kind: Any, package: ModuleType) -> None:
    three = {**CARD, "signature": ["a", "b", "c"]}
    with pytest.warns(UserWarning, match="cannot be served"):
        train(package, kind(2), ExportCard(tmp_path / "models" / "flats", **three), tmp_path)


def test_a_sample_of_the_hosts_own(tmp_path: Path, kind: Any, package: ModuleType, monkeypatch: Any) -> None:
    sample = tmp_path / "two flats.csv"
    sample.write_text("area,floor\n50,3\n60,1\n")
    train(package, kind(2), ExportCard(tmp_path / "models" / "flats", sample=sample, **CARD), tmp_path)
    monkeypatch.setenv("FORELIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    said = json.loads(CliRunner().invoke(app, ["check", "flats", "--json"]).stdout)
    assert said["works"], said
