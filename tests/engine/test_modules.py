"""Modules as others write them: every form of batch, every form of output, both Lightnings' names, unchanged."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path
from typing import Any

import lightning.pytorch as other_lightning
import polars as pl
import pytest
import pytorch_lightning as lightning

from engine import Engine, ForelightError, Settings
from engine.checkpoints.module import lightning_package
from engine.own_code.host_code import import_function
from tests.conftest import Predicting
from tests.engine.making import TABULAR_CARD, write_model
from tests.pool import open_engine

MODULE = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self, width=1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, width)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        return self.layer(self.drop(x))
"""

STEPS = {
    "no step of its own": "",
    "a tensor": "def predict_step(self, batch, batch_idx): return self(batch)",
    "a pair, unpacked": "def predict_step(self, batch, batch_idx):\n        x, _ = batch\n        return self(x)",
    "a pair, by place": "def predict_step(self, batch, batch_idx): return self(batch[0])",
    "a dict": "def predict_step(self, batch, batch_idx): return self(batch['features'])",
    "a dict of columns": "def predict_step(self, batch, batch_idx):\n"
    "        return self(torch.stack([batch[name] for name in 'abcd'], dim=1))",
    "out: a tuple": "def predict_step(self, batch, batch_idx): return self(batch), torch.zeros(2)",
    "out: a list": "def predict_step(self, batch, batch_idx): return [self(batch)]",
    "out: a dict": "def predict_step(self, batch, batch_idx): return {'loss': torch.zeros(()), 'logits': self(batch)}",
    "out: flat": "def predict_step(self, batch, batch_idx): return self(batch)[:, 0]",
}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    pl.DataFrame({name: [0.5 * number + place for number in range(7)] for place, name in enumerate("abcd")}).write_csv(
        path
    )
    return path


def engine_of(folder: Path) -> Engine:
    return open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))


def made(folder: Path, code: str, card: dict[str, Any] | None = None, *arguments: Any) -> Engine:
    write_model(folder / "models" / "made", code, {**TABULAR_CARD, **(card or {})}, *arguments)
    return engine_of(folder)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_runs_unmodified(tmp_path: Path, rows: Path, step: str) -> None:
    engine = made(tmp_path, MODULE + f"\n    {step}\n")
    found = Predicting(engine).results("made", [rows]).page(0, 10)
    weights = {name: value.numpy() for name, value in _weights(tmp_path).items()}
    expected = pl.read_csv(rows).to_numpy() @ weights["layer.weight"][0] + weights["layer.bias"][0]
    assert found["y"].to_list() == pytest.approx(expected.tolist(), rel=1e-5)
    engine.close()


def _weights(folder: Path) -> dict[str, Any]:
    import torch

    loaded = torch.load(folder / "models" / "made" / "model.ckpt", weights_only=True)
    state: dict[str, Any] = loaded["state_dict"]
    return state


def test_a_second_prediction_is_like_the_first(tmp_path: Path, rows: Path) -> None:
    """Lightning leaves modules in train mode; dropout would then make every run another."""
    engine = made(tmp_path, MODULE)
    first, second = (Predicting(engine).results("made", [rows]).page(0, 10)["y"].to_list() for _ in range(2))
    assert first == second
    engine.close()


def test_modules_of_the_other_lightning_run_with_its_trainer(tmp_path: Path, rows: Path) -> None:
    code = MODULE.replace("import pytorch_lightning as pl", "import lightning.pytorch as pl")
    write_model(tmp_path / "models" / "made", code, TABULAR_CARD, package=other_lightning)
    engine = engine_of(tmp_path)
    lines = Predicting(engine).results("made", [rows]).page(0, 10)
    assert lines["status"].to_list() == ["ok"] * 7
    assert lightning_package(other_lightning.LightningModule()).__name__ == "lightning.pytorch"
    assert lightning_package(lightning.LightningModule()).__name__ == "pytorch_lightning"
    with pytest.raises(ForelightError, match="not a LightningModule"):
        lightning_package(object())
    engine.close()


CLASSES = {"task": "tabular-classification", "labels": ["no", "perhaps", "yes"], "outputs": []}


@pytest.mark.parametrize(
    ("step", "card", "kind", "columns"),
    [
        ("return self(batch)", {}, "logits", 5),
        ("return self(batch).softmax(1)", {}, "probabilities", 5),
        ("return self(batch).log_softmax(1)", {}, "logits", 5),
        ("return self(batch).argmax(1)", {}, "classes", 1),
        ("return self(batch)", {"output_kind": "logits"}, "logits", 5),
        ("return self(batch).argmax(1)", {"step": "forward"}, "logits", 5),
    ],
)
def test_outputs_of_classes(
    tmp_path: Path, rows: Path, step: str, card: dict[str, Any], kind: str, columns: int
) -> None:
    code = MODULE + f"\n    def predict_step(self, batch, batch_idx): {step}\n"
    engine = made(tmp_path, code, {**CLASSES, **card}, 3)
    assert engine.facts("made").output_kind == kind
    results = Predicting(engine).results("made", [rows])
    predicted = [column.name for column in results.columns if column.role == "prediction"]
    assert len(predicted) == columns
    assert set(results.page(0, 10)["prediction"]) <= {"no", "perhaps", "yes"}
    if columns == 5:
        lines = results.page(0, 10).select(predicted[2:]).sum_horizontal()
        assert lines.to_list() == pytest.approx([1] * 7, abs=1e-6)
    engine.close()


@pytest.mark.parametrize(
    ("code", "card", "arguments", "words"),
    [
        (MODULE, {**CLASSES, "labels": ["no", "yes"]}, (1,), "one figure a row for 2 labels: say in the card"),
        (MODULE, CLASSES, (5,), r"gives \[5\] for a row; the card names 3 labels"),
        (MODULE, {"outputs": [{"name": "y"}, {"name": "z"}]}, (1,), "the card names 2 outputs"),
        (MODULE, {"signature": [{"name": "a"}]}, (1,), "could not be run on 3 made-up rows"),
        (MODULE.replace("return self.layer", "return {'p': x, 'q': x} or self.layer"), {}, (1,), "output_key"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_asked(
    tmp_path: Path, code: str, card: dict[str, Any], arguments: tuple[int, ...], words: str
) -> None:
    engine = made(tmp_path, code, card, *arguments)
    with pytest.raises(ForelightError, match=words):
        engine.facts("made")
    engine.close()


def test_a_binary_head_of_one_figure(tmp_path: Path, rows: Path) -> None:
    card = {**CLASSES, "labels": ["no", "yes"], "output_kind": "logits"}
    engine = made(tmp_path, MODULE, card, 1)
    lines = Predicting(engine).results("made", [rows]).page(0, 10)
    assert (lines["probability_no"] + lines["probability_yes"]).to_list() == pytest.approx([1] * 7)
    engine.close()


def test_failing_modules_fail_the_run_with_their_words(tmp_path: Path, rows: Path) -> None:
    code = (
        MODULE
        + "\n    def predict_step(self, batch, batch_idx):\n        if len(batch) == 7: raise RuntimeError('seven!')\n"
    )
    engine = made(tmp_path, code + "        return self(batch)\n")
    run = engine.check("made", [_source(rows)])
    engine.submit(run.id)
    ended = engine.wait(run.id)
    assert ended.state == "failed"
    assert "RuntimeError: seven!" in ended.error
    engine.close()


def test_a_row_whose_output_is_not_finite_fails_alone(tmp_path: Path, rows: Path) -> None:
    code = MODULE + "\n    def predict_step(self, batch, batch_idx): return self(batch) / (batch[:, :1] - 1)\n"
    engine = made(tmp_path, code)
    lines = Predicting(engine).results("made", [rows]).page(0, 10)
    assert lines["status"].to_list().count("failed") == 1
    assert lines.row(2, named=True)["error"] == "the model's output is not a finite number"
    engine.close()


def _source(path: Path) -> Any:
    from engine import Source

    return Source(path.name, path)


def test_a_file_of_the_same_second_and_size_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own bytecode would be taken for the file's."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    path = tmp_path / "own.py"
    for value in ("1", "2"):
        path.write_text(f"def function(): return {value}\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert str(import_function("encode", "own:function", tmp_path)()) == value
    assert [each.name for each in tmp_path.iterdir()] == ["own.py"]


@pytest.mark.parametrize("other", ["other.py", "parts/other.py"])
def test_so_are_the_files_that_it_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").touch()
    path, name = tmp_path / other, other.removesuffix(".py").replace("/", ".")
    for value in ("1", "2"):
        (tmp_path / "own.py").write_text(f"from {name} import VALUE\ndef function(): return VALUE\n")
        path.write_text(f"VALUE = {value}\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert str(import_function("encode", "own:function", tmp_path)()) == value
        py_compile.compile(str(path))  # as a training leaves it, and as it goes along with the folder
    assert not (tmp_path / "__pycache__" / "own.cpython-311.pyc").exists()
