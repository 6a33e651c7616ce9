"""Texts: what the card's `encode` makes of them is what the module gets; an empty one costs its own row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from engine import ClassEvaluation, Engine, evaluation_of
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import build_module
from engine.demos.texts import WIDTH, encode
from engine.errors import CardError
from engine.tasks import TASKS, task_of
from engine.views import Texts
from tests.conftest import Predicting

TEXTS = TASKS["text-classification"]


def plainly(engine: Engine, texts: list[str]) -> torch.Tensor:
    entry = engine.model("languages")
    card = entry.usable_card()
    module = build_module(card, entry.folder, load_checkpoint(entry.folder / card.checkpoint, card))
    with torch.inference_mode():
        return module(encode(pa.table({"text": texts}), card)).softmax(1)


def test_texts_are_predicted_as_the_module_does(predicting: Predicting, samples: Path) -> None:
    path = samples / "languages" / "samples" / "sentences-with-language.csv"
    results = predicting.results("languages", [path])
    lines = results.page(0, 500)
    expected = plainly(predicting.engine, lines["text"].to_list())
    assert np.array_equal(lines["confidence"].to_numpy(), expected.max(1).values.numpy())
    assert results.views[0].__class__.__name__ == "ClassBalance"
    assert any(isinstance(view, Texts) and view.column == "text" for view in results.views)
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, ClassEvaluation)
    assert evaluation.used().rows == lines.height


def test_an_empty_text_costs_its_own_row(predicting: Predicting, tmp_path: Path) -> None:
    pl.DataFrame({"text": ["Guten Tag und auf Wiedersehen", "", "Où est la bibliothèque ?"]}).write_csv(
        tmp_path / "t.csv"
    )
    lines = predicting.results("languages", [tmp_path / "t.csv"], on_error="report").page(0, 10)
    assert lines["status"].to_list() == ["ok", "failed", "ok"]
    assert lines["prediction"].to_list() == ["German", None, "French"]
    assert "column 'text' is empty" in lines["error"][1]


def test_letters_are_counted_and_of_length_one() -> None:
    x = encode(pa.table({"text": ["Ärger", "ärger ", "x"]}), None)
    assert x.shape == (3, WIDTH)
    assert torch.equal(x[0], x[1])
    assert x.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-6)


def test_a_card_without_texts_is_told_so(predicting: Predicting) -> None:
    card = (
        predicting.engine.model("penguins").usable_card().model_copy(update={"task": TEXTS.name, "labels": ("a", "b")})
    )
    with pytest.raises(CardError, match="a column of texts is missing"):
        task_of(card).check_card(card)
    texts = predicting.engine.model("languages").usable_card().model_copy(update={"encode": ""})
    with pytest.raises(CardError, match="encode: file:function"):
        task_of(texts).check_card(texts)
