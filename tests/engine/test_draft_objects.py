"""`init` of checkpoints with objects among their hyper-parameters: copied without them, and asked for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from engine.cards.code_files import siblings
from engine.cli import app
from engine.draft.without_objects import copy_without_objects
from engine.errors import CardError
from engine.own_code.host_code import import_source
from tests.threats.checkpoints import Runs

pytestmark = pytest.mark.filterwarnings("ignore:Attribute .loss. is an instance of")
OBJECTS = """
import dataclasses, enum, pathlib
import pytorch_lightning as pl
import torch
from torch import nn

class Shape(enum.Enum):
    RELU = "relu"
    TANH = "tanh"

@dataclasses.dataclass
class Config:
    width: int = 4
    shape: Shape = Shape.RELU

class Model(pl.LightningModule):
    def __init__(self, config: Config, features: int = 1, folder=pathlib.Path("."), shape: Shape = Shape.RELU,
                 loss=None):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(features, config.width)
        self.head = nn.Linear(config.width, 1)
        assert isinstance(shape, Shape) and isinstance(config.shape, Shape)
        self.shape = shape

    def forward(self, x):
        return self.head(torch.tanh(self.layer(x)) if self.shape is Shape.TANH else self.layer(x).relu())
"""
TOLD = (
    "config={class_path: objects.Config, init_args: {width: 4, shape: {class_path: objects.Shape, init_args: {value: "
    "relu}}}}",
    "shape={class_path: objects.Shape, init_args: {value: tanh}}",
    "loss=null",
)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORELIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "objects.py").write_text(OBJECTS)
    (tmp_path / "rows.csv").write_text("a,b,c,y\n1,2,3,4\n2,3,5,6\n3,1,4,9\n")
    objects = importlib.import_module("objects")
    module = objects.Model(objects.Config(), 3, tmp_path / "data", objects.Shape.TANH, torch.nn.MSELoss())
    hyper_parameters = {**module.hparams, "features": np.int64(3), "unknown": objects.Config()}
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": module.state_dict(), "hyper_parameters": dict(hyper_parameters)}, path)
    del sys.modules["objects"]
    return path


def init(checkpoint: Path, name: str, *told: str) -> tuple[int, str]:
    folder = checkpoint.parent
    sets = [part for each in told for part in ("--set", each)]
    given = [
        "--module",
        f"{folder / 'objects.py'}:Model",
        "--sample",
        str(folder / "rows.csv"),
        "--target",
        "y",
        "--task",
        "tabular-regression",
    ]
    result = CliRunner().invoke(app, ["init", str(checkpoint), *given, *sets, "-o", str(folder / "models" / name)])
    return result.exit_code, result.output


def test_objects_are_asked_for_with_what_is_seen_of_them(checkpoint: Path) -> None:
    code, said = init(checkpoint, "open")
    card = (checkpoint.parent / "models" / "open" / "card.yaml").read_text()
    assert code == 2
    assert "Model takes config, shape, loss, which the checkpoint holds as objects" in said
    assert "# written anew without the objects among its hyper-parameters: config (objects.Config)" in card
    proposed = next(line for line in card.splitlines() if line.startswith("# hyper_parameters:"))
    found = yaml.safe_load(proposed.removeprefix("# "))["hyper_parameters"]
    assert found["shape"] == {"class_path": "objects.Shape", "init_args": {"value": "tanh"}}
    assert found["config"]["init_args"] == {"width": 4, "shape": found["shape"] | {"init_args": {"value": "relu"}}}
    assert found["loss"] == {"class_path": "torch.nn.modules.loss.MSELoss"}


def test_told_of_them_the_model_works(checkpoint: Path) -> None:
    code, said = init(checkpoint, "told", *TOLD)
    assert (code, "Next: FORELIGHT_MODELS=" in said) == (0, True), said
    kept = torch.load(checkpoint.parent / "models" / "told" / "model.ckpt", weights_only=True)["hyper_parameters"]
    assert kept == {"features": 3, "folder": str(checkpoint.parent / "data")}


class Bare:
    """Holds nothing."""


class Holding:
    """Holds what it was given."""

    def __init__(self, **held: object) -> None:
        self.__dict__.update(held)


def test_what_a_card_cannot_say_is_not_proposed(tmp_path: Path) -> None:
    parent = Holding(name="parent")
    parent.child = Holding(parent=parent)  # type: ignore[attr-defined]
    objects = {
        "bare": Bare(),
        "tensor": Holding(weights=torch.ones(3), width=4),
        "sizes": Holding(size=torch.ones(2, 3).shape),
        "numbers": Holding(width=np.float64(0.5), folder=Path("/data")),
        "parent": parent,
        "keyed": Holding(by={"a": (1, 2)}),
    }
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"w": torch.ones(1)}, "hyper_parameters": {**objects, "features": 3}}, path)
    found = copy_without_objects(path, tmp_path / "copy.ckpt")
    assert {name: each.get("init_args") for name, each in found.items()} == {
        "bare": None,
        "tensor": None,
        "sizes": None,
        "numbers": {"width": 0.5, "folder": "/data"},
        "parent": None,
        "keyed": {"by": {"a": (1, 2)}},
    }
    assert all(each["class_path"].endswith((".Bare", ".Holding")) for each in found.values())
    assert torch.load(tmp_path / "copy.ckpt", weights_only=True)["hyper_parameters"] == {"features": 3}


@pytest.mark.parametrize("place", ["hyper_parameters", "callbacks"])
def test_nothing_of_the_file_is_run(checkpoint: Path, place: str) -> None:
    ran = checkpoint.parent / "ran"
    content = {"state_dict": {}, "hyper_parameters": {}, place: {"x": Runs(ran)}}
    torch.save(content, checkpoint)
    init(checkpoint, "hostile")
    assert not ran.exists()


def test_what_is_no_checkpoint_is_copied_as_it_is_and_refused(checkpoint: Path) -> None:
    torch.save(torch.nn.Linear(3, 1), checkpoint)
    code, said = init(checkpoint, "whole")
    assert code == 1
    assert "holds objects of" in said


def test_files_that_the_class_imports_go_along_and_do_not_meet_those_of_another_model(tmp_path: Path) -> None:
    sources = tmp_path / "training"
    sources.mkdir()
    code = OBJECTS.replace("import dataclasses", "from sizes import WIDTH\nimport dataclasses")
    (sources / "beside.py").write_text(code)
    (sources / "sizes.py").write_text("from numbers_of import WIDTH\n")
    (sources / "numbers_of.py").write_text("WIDTH = 4\n")
    assert [path.name for path in siblings(sources / "beside.py")] == ["sizes.py", "numbers_of.py"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "beside.py").write_text(code)
    (other / "sizes.py").write_text("WIDTH = 7\n")
    widths = [import_source("beside", folder, "module").WIDTH for folder in (sources, other)]
    assert widths == [4, 7]
    (other / "beside.py").write_text("import no_such_sibling")
    with pytest.raises(CardError, match=r"Put no_such_sibling\.py beside the card"):
        import_source("beside", other, "module")
    with pytest.raises(CardError, match="Put a file with the class beside the card"):
        import_source("__main__", other, "module")


def test_packages_beside_the_class_do_not_meet_those_of_another_model(tmp_path: Path) -> None:
    for name, width in (("first", 4), ("second", 7)):
        package = tmp_path / name / "package_beside"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "sizes.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / name / "beside.py").write_text("from package_beside.sizes import WIDTH\n")
    assert [import_source("beside", tmp_path / name, "module").WIDTH for name in ("first", "second")] == [4, 7]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("open('vocab.json')", r"The file 'vocab.json' is not there .*open it as Path\(__file__\)"),
        (
            "open('/nowhere/vocab.json')",
            r"The file '/nowhere/vocab.json' is not .*Put vocab.json beside the card",
        ),
        (
            "import pathlib as p; open(p.Path(__file__).with_name('vocab.json'))",
            r"\. Put vocab.json beside the card\.$",
        ),
        ("import pathlib\nNUMBER = 1 / 0", r"\. Mend beside.py, line 2\.$"),
        ("x = ", r"SyntaxError.*Mend that line\.$"),
    ],
)
def test_what_keeps_a_file_from_being_imported_is_said(tmp_path: Path, code: str, words: str) -> None:
    (tmp_path / "beside.py").write_text(code)
    with pytest.raises(CardError, match=words):
        import_source("beside", tmp_path, "module")


def test_packages_beside_a_file_are_its_own(tmp_path: Path) -> None:
    for name, width in (("one", 4), ("two", 7)):
        inside = tmp_path / name / "nets" / "parts"
        inside.mkdir(parents=True)
        (tmp_path / name / "beside.py").write_text("from nets import WIDTH\nfrom nets.parts import other")
        (inside.parent / "__init__.py").write_text("from .sizes import WIDTH")
        (inside.parent / "sizes.py").write_text(f"WIDTH = {width}")
        (inside / "other.py").touch()
        (inside / "unused.py").touch()
    found = {str(path.relative_to(tmp_path / "one")) for path in siblings(tmp_path / "one" / "beside.py")}
    assert found == {"nets/__init__.py", "nets/sizes.py", "nets/parts/other.py"}
    assert [import_source("beside", tmp_path / name, "module").WIDTH for name in ("one", "two")] == [4, 7]
    (tmp_path / "two" / "nets" / "sizes.py").write_text("WIDTH = 12")
    assert import_source("beside", tmp_path / "two", "module").WIDTH == 12, "the file that imports it is the same"
    (tmp_path / "two" / "nets" / "sizes.py").unlink()
    with pytest.raises(CardError, match=r"Put nets/sizes\.py beside the card"):
        import_source("beside", tmp_path / "two", "module")
