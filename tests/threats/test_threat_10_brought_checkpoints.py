"""Threats 10 to 14 where a host brings a checkpoint: whatever is in the file, it runs nothing and changes nothing."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import Settings
from engine.backends.process import WorkerProcess
from engine.cards.card import file_hash
from engine.errors import CheckpointError, NotWritable
from engine.lifecycle.new_checkpoints import NewCheckpoints
from engine.models.registry import ModelRegistry
from engine.uploads import Upload, Uploads
from tests.engine.making import TABULAR_CARD, write_model

CODE = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, features):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(features, 1)
    def forward(self, x):
        return self.net(x)
"""


class Kept(WorkerProcess):
    """One process for all tries, so that torch is imported once."""

    def close(self) -> None:
        """Not yet."""


@pytest.fixture(scope="module")
def process() -> Iterator[WorkerProcess]:
    made = Kept("checkpoint")
    yield made
    WorkerProcess.close(made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "price", CODE, TABULAR_CARD, 4)


@pytest.fixture
def take(tmp_path: Path, folder: Path, process: WorkerProcess) -> Callable[[Path], Any]:
    """Brings that file to the model."""
    settings = Settings(home=tmp_path / "home", models=(folder.parent,))
    uploads = Uploads.of(settings)
    new = NewCheckpoints(settings, ModelRegistry(settings.model_folders), lambda _: process)

    def upload(path: Path) -> Upload:
        with uploads.begin("boss", f"../../{path.name}") as coming:
            coming.write(path.read_bytes())
            return coming.finish()

    return lambda path: new.add("price", upload(path), "brought")


class Runs:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def content_of(good: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(good, weights_only=True)
    return content


def resaved(good: Path, path: Path, **changes: Any) -> None:
    torch.save({**content_of(good), **changes}, path)


def weights(good: Path, path: Path, features: int = 4, hidden: int | None = None, fill: float = 1.0) -> None:
    """Another training's: as many features, and what the hyper-parameters say of them."""
    own = {"net.weight": torch.full((1, features), fill), "net.bias": torch.ones(1)}
    resaved(good, path, state_dict=own, hyper_parameters={"features": hidden or features})


def packed(good: Path, path: Path) -> None:
    with zipfile.ZipFile(good) as read, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as write:
        for name in read.namelist():
            write.writestr(name, read.read(name))
        write.writestr("archive/data/9", bytes(200_000_000))


def flipped(good: Path, path: Path) -> None:
    content = bytearray(good.read_bytes())
    content[content.index(content_of(good)["state_dict"]["net.weight"].numpy().tobytes())] ^= 0x40
    path.write_bytes(content)


WAS_HERE = "was-here"
HOSTILE: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "10 code in it": (
        lambda good, path: resaved(good, path, callbacks=Runs(path.with_name(WAS_HERE))),
        "holds objects of .*only tensors and plain data",
    ),
    "10 a bare pickle": (
        lambda good, path: path.write_bytes(pickle.dumps({"state_dict": Runs(path.with_name(WAS_HERE))})),
        "not a checkpoint that",
    ),
    "11 a bomb": (packed, "packed or doubled"),
    "11 a size in its words": (lambda good, path: weights(good, path, hidden=10**10), "does not fit model:Model"),
    "12 a flipped bit": (flipped, "is damaged: the checksum"),
    "12 not finite": (lambda good, path: weights(good, path, fill=float("nan")), "is not finite"),
    "13 an object": (
        lambda good, path: resaved(good, path, hyper_parameters={"features": 4, "where": Path("x")}),
        "holds objects of .*PosixPath",
    ),
    "14 of another class": (
        lambda good, path: resaved(good, path, state_dict={"layer.weight": torch.ones(1, 4)}),
        "is not one of model:Model",
    ),
    "14 of another shape": (
        lambda good, path: resaved(good, path, state_dict={"net.weight": torch.ones(1, 5), "net.bias": torch.ones(1)}),
        r"does not fit model:Model: 'net.weight' is \[1, 5\]",
    ),
    "14 of another signature": (lambda good, path: weights(good, path, 5), "does not fit the model 'price'"),
    "not a checkpoint": (lambda good, path: path.write_text("title: x"), "not a checkpoint that"),
    "nothing": (lambda good, path: path.touch(), "not a checkpoint that"),
    "the card's own": (lambda good, path: path.write_bytes(good.read_bytes()), "is version 1 of 'price' already"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_not_taken_changes_nothing(
    tmp_path: Path, folder: Path, take: Callable[[Path], Any], kind: str
) -> None:
    make, words = HOSTILE[kind]
    before = {path.name: file_hash(path) for path in folder.iterdir() if path.is_file()}
    make(folder / "model.ckpt", tmp_path / "brought.ckpt")
    with pytest.raises(CheckpointError, match=words):
        take(tmp_path / "brought.ckpt")
    assert not (tmp_path / WAS_HERE).exists()
    after = {path.name: file_hash(path) for path in folder.iterdir() if path.is_file()}
    assert {name: found for name, found in after.items() if not name.startswith(".")} == before


def test_what_is_taken_is_a_version_and_not_the_default(
    tmp_path: Path, folder: Path, take: Callable[[Path], Any]
) -> None:
    path = tmp_path / "version-2.ckpt"
    weights(folder / "model.ckpt", path, fill=2.0)
    found = take(path)
    assert (found.name, found.checkpoint, found.sha256, found.note) == (
        "2",
        "version-2.ckpt",
        file_hash(path),
        "brought",
    )
    entry = ModelRegistry([folder.parent]).entry("price")
    assert [(each.name, each.sha256) for each in entry.versions] == [("1", ""), ("2", file_hash(path))]
    assert (entry.default, (folder / "version-2.ckpt").read_bytes()) == ("1", path.read_bytes())


def test_a_folder_that_takes_nothing_is_found_before_the_work(
    tmp_path: Path, folder: Path, take: Callable[[Path], Any]
) -> None:
    (folder / ".versions.lock").mkdir()
    with pytest.raises(NotWritable):
        take(folder / "model.ckpt")


def test_a_process_that_ends_is_a_sentence(tmp_path: Path, folder: Path, take: Callable[[Path], Any]) -> None:
    """As where the system ends it for its memory."""
    (folder / "model.py").write_text(CODE + "\nimport os\nos._exit(9)\n")
    weights(folder / "model.ckpt", tmp_path / "brought.ckpt")
    with pytest.raises(CheckpointError, match=r"brought.ckpt was not taken: the process that tried it ended"):
        take(tmp_path / "brought.ckpt")
