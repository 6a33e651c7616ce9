"""Projects as people have them: a package with relative imports, pictures in folders, outputs with names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from engine.cards.code_files import root_of, siblings
from engine.cli import app
from engine.draft.kept import kept_labels, kept_size
from engine.draft.pictures import classes_of, size_of
from engine.export.callback import _copied_class
from engine.export.retrained import _class_beside
from engine.own_code.host_code import import_source
from engine.own_code.local_code import files_of

PACKAGE = {
    "nets/__init__.py": "",
    "nets/settings.py": "WIDTH = 4",
    "nets/layers/__init__.py": "",
    "nets/layers/blocks.py": """
from torch import nn
from ..settings import WIDTH
class Block(nn.Sequential):
    def __init__(self, features):
        super().__init__(nn.Linear(features, WIDTH), nn.ReLU())
""",
    "nets/models/__init__.py": "",
    "nets/models/unused.py": "",
    "nets/models/classifier.py": """
import pytorch_lightning as pl
from torch import nn
from ..layers.blocks import Block
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(Block(2), nn.Linear(4, 2))
        self.loss = nn.CrossEntropyLoss()
    def forward(self, x):
        return self.net(x)
""",
}
NAMED = """
from dataclasses import dataclass
import pytorch_lightning as pl, torch
from torch import nn
@dataclass
class Both:
    price: torch.Tensor
    spread: torch.Tensor
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 2)
    def predict_step(self, batch, batch_idx):
        return Both(*self.net(batch).unbind(1))
"""
ASKING = """
import pytorch_lightning as pl, torch
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(3, 1)
        self.codes = nn.Embedding(4, 2)
    def predict_step(self, batch, batch_idx):
        return self.net(torch.cat([batch["num"], self.codes(batch["cat"])], 1))
"""
CONFIGURED = """
import pytorch_lightning as pl, torch
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.loss = None, nn.CrossEntropyLoss()
    def configure_model(self):
        assert self.net is None or not isinstance(self.net, torch._dynamo.OptimizedModule), "compiled twice"
        self.net = torch.compile(nn.Linear(2, 2), backend="eager")
    def forward(self, x):
        return self.net(x)
"""
PICTURES = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3))
        self.loss = nn.CrossEntropyLoss()
    def forward(self, x):
        return self.net(x)
"""


def project(folder: Path, files: dict[str, str], module: str) -> Path:
    """A checkpoint of the class Model in that file of the project."""
    for name, code in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code)
    model = import_source(module, folder, "module").Model()
    model.configure_model()
    content = {"state_dict": model.state_dict(), "pytorch-lightning_version": "2.6.1"}
    torch.save(content, folder / "last.ckpt")
    return folder / "last.ckpt"


def init(*options: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["init", *map(str, options)])
    return done.exit_code, done.output


def table(folder: Path) -> Path:
    (folder / "rows.csv").write_text("a,b,kind\n" + "1,2,x\n3,4,y\n" * 5)
    return folder / "rows.csv"


@pytest.mark.parametrize("by_name", [False, True])
def test_a_package_goes_along(tmp_path: Path, by_name: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    source, served = tmp_path / "project", tmp_path / "models" / "served"
    checkpoint = project(source, PACKAGE, "nets.models.classifier")
    monkeypatch.chdir(source)
    monkeypatch.syspath_prepend(source)  # where the shell stands
    module = "nets.models.classifier:Model" if by_name else source / "nets" / "models" / "classifier.py:Model"
    code, said = init(checkpoint, "--module", module, "--sample", table(source), "--target", "kind", "-o", served)
    assert code == 0, said
    assert yaml.safe_load((served / "card.yaml").read_text())["module"] == "nets.models.classifier:Model"
    copied = {str(path.relative_to(served)) for path in served.rglob("*.py")}
    assert copied == set(PACKAGE) - {"nets/models/unused.py"}
    (served / "nets" / "settings.py").write_text("WIDTH = 5")
    assert import_source("nets.models.classifier", served, "module").Block(2)[0].out_features == 5
    assert import_source("nets.models.classifier", source, "module").Block(2)[0].out_features == 4


def test_a_training_leaves_the_package_and_a_changed_one_has_a_place_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path / "project", PACKAGE, "nets.models.classifier")
    monkeypatch.syspath_prepend(tmp_path / "project")
    new, folder = tmp_path / "new", tmp_path / "models" / "served"
    try:
        called = _copied_class(importlib.import_module("nets.models.classifier").Model(), new)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "nets"]:
            del sys.modules[name]
    assert called == "nets.models.classifier:Model"
    assert {str(path.relative_to(new)) for path in new.rglob("*.py")} == set(PACKAGE) - {"nets/models/unused.py"}
    assert _class_beside(new, folder, called) == called
    assert _class_beside(new, folder, called) == called, "nothing has changed"
    (new / "nets" / "settings.py").write_text("WIDTH = 6")
    changed = _class_beside(new, folder, called)
    assert changed == "nets_2.nets.models.classifier:Model"
    widths = [import_source(each.partition(":")[0], folder, "module").Block(2)[0] for each in (called, changed)]
    assert [each.out_features for each in widths] == [4, 6]


def test_layers_may_be_made_by_configure_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, models = project(tmp_path, {"made.py": CONFIGURED}, "made"), tmp_path / "models"
    sample = ("--sample", table(tmp_path), "--target", "kind")
    code, said = init(checkpoint, "--module", tmp_path / "made.py:Model", *sample, "-o", models / "made")
    assert code == 0, said
    monkeypatch.setenv("FORELIGHT_MODELS", str(models))
    monkeypatch.setenv("FORELIGHT_ACCELERATOR", "cpu")
    checked = CliRunner().invoke(app, ["check", "made"])  # predicts more than once
    assert checked.exit_code == 0, checked.output


def test_where_imports_begin(tmp_path: Path) -> None:
    project(tmp_path, PACKAGE, "nets.models.classifier")
    file = tmp_path / "nets" / "models" / "classifier.py"
    assert root_of(file) == tmp_path
    assert root_of(file, tmp_path / "nets") == tmp_path / "nets"
    assert siblings(file, tmp_path / "nets" / "models") == [], "nothing beyond the model's folder"
    flat = tmp_path / "flat" / "model.py"
    flat.parent.mkdir()
    (flat.parent / "__init__.py").touch()
    (flat.parent / "beside.py").write_text("WIDTH = 9")
    flat.write_text("from beside import WIDTH")
    assert {path.name for path in siblings(flat)} == {"__init__.py", "beside.py"}
    assert import_source("flat.model", tmp_path, "module").WIDTH == 9


def test_files_that_code_opens_beside_itself_go_along(tmp_path: Path) -> None:
    for name in ("vocab.json", "scaler.bin", "train.csv", "other.json"):
        (tmp_path / name).write_text("1")
    (tmp_path / "beside.py").write_text(
        "from pathlib import Path\nHERE = Path(__file__).parent\nopen(HERE / 'scaler.bin')"
    )
    (tmp_path / "model.py").write_text(
        "import beside\nfrom pathlib import Path\n"
        "VOCAB = Path(__file__).with_name('vocab.json')\nDATA = 'train.csv'\nUP = Path(__file__).with_name('../x')"
    )
    names = [path.name for path in files_of(tmp_path / "model.py")]
    assert names == ["model.py", "beside.py", "vocab.json", "scaler.bin"]
    served = tmp_path / "models" / "served"
    assert _class_beside(tmp_path, served, "model:Model") == "model:Model"
    (tmp_path / "vocab.json").write_text("2")
    assert _class_beside(tmp_path, served, "model:Model") == "model_2.model:Model", "the first version keeps its own"
    assert [path.read_text() for path in sorted(served.rglob("vocab.json"))] == ["2", "1"]


def test_which_of_several_outputs_is_asked_for(tmp_path: Path) -> None:
    checkpoint, served = project(tmp_path, {"named.py": NAMED}, "named"), tmp_path / "models" / "named"
    given = [checkpoint, "--module", tmp_path / "named.py:Model", "--inputs", "a,b", "--sample", table(tmp_path)]
    code, said = init(*given, "--task", "tabular-regression", "-o", served)
    assert code == 2
    assert "output_key (--output-key price or spread): Model gives several things" in said
    more = ["--output-key", "spread", "--outputs", "spread", "--task", "tabular-regression"]
    code, said = init(*given, *more, "-o", served)
    assert code == 0, said
    assert yaml.safe_load((served / "card.yaml").read_text())["output_key"] == "spread"
    code, said = init(*given, *more, "--output-key", "sprad", "-o", served)
    assert code == 2


def test_what_a_step_asks_its_batch_for_is_said(tmp_path: Path) -> None:
    checkpoint = project(tmp_path, {"asking.py": ASKING}, "asking")
    code, said = init(checkpoint, "--module", tmp_path / "asking.py:Model", "-o", tmp_path / "models" / "asking")
    assert code == 2
    assert "its step asks the batch for 'num' and 'cat'" in said


def test_pictures_in_folders_name_the_classes_and_show_their_size(tmp_path: Path) -> None:
    checkpoint, data = project(tmp_path, {"small.py": PICTURES}, "small"), tmp_path / "val"
    for place, name in enumerate(("rose", "Tulip", "daisy")):
        (data / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.full((8, 8), 20 * number + place, np.uint8)
            Image.fromarray(pixels).save(data / name / f"{number:02}.png")
    served = tmp_path / "models" / "flowers"
    code, said = init(checkpoint, "--module", tmp_path / "small.py:Model", "--sample", data, "-o", served)
    assert code == 0, said
    card = yaml.safe_load((served / "card.yaml").read_text())
    assert card["image"] == {"size": [8, 8], "channels": 1}
    assert card["labels"] == ["Tulip", "daisy", "rose"]
    assert classes_of(served / "samples" / "val.zip") == ("Tulip", "daisy", "rose")
    assert size_of(served / "samples" / "val.zip") == 8
    (tmp_path / "empty").mkdir()
    code, said = init(checkpoint, "--module", tmp_path / "small.py:Model", "--sample", tmp_path / "empty", "-o", served)
    assert code == 1
    assert "there is no picture in" in said


@pytest.mark.parametrize(
    ("kept", "labels"),
    [
        ({"classes": ["no", "yes"]}, ("no", "yes")),
        ({"class_to_idx": {"no": 0, "yes": 1}}, ("no", "yes")),
        ({"id2label": {1: "yes", 0: "no"}}, ("no", "yes")),
        ({"class_to_idx": {"no": 1, "yes": 2}}, ()),
        ({"features": ["age", "fee"]}, ()),
        ({"classes": 2, "labels": ["no", "no"]}, ()),
    ],
)
def test_names_of_classes_that_were_kept(kept: dict[str, object], labels: tuple[str, ...]) -> None:
    assert kept_labels(kept, 2)[0] == labels


def test_a_size_that_was_kept() -> None:
    assert kept_size({"kernel_size": 3, "size": 224}) == (224, "size")
    assert kept_size({"image_size": [96, 96]}) == (96, "image_size")
    assert kept_size({"batch_size": 16, "img_size": (64, 32)}) == (0, "")
