"""`init` for every kind of model: what its outputs and its loss tell, what it asks for; and on a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.engine.making import write_model
from tests.engine.test_draft import card_of, command, drafted, trained

HEAD = """
import {package} as pl
import torch
from torch import nn
from torch.nn import functional as F
class Model(pl.LightningModule):
    def __init__(self, width=2, outputs=3):
        super().__init__()
        self.save_hyperparameters()
"""
DENSE = HEAD.format(package="pytorch_lightning") + "        self.net = nn.Linear(width, outputs)\n"
TRAINING = """
    def training_step(self, batch, batch_idx):
        return self.loss_of(*batch)
    def loss_of(self, x, y):
        return F.{loss}(self(x), y)
"""
TRAINED = "    def forward(self, x):\n        return self.net(x)\n" + TRAINING
MASKS = DENSE.replace("nn.Linear(width, outputs)", "nn.Conv2d(1, outputs, 3, padding=1)")
BOXES = (
    HEAD.format(package="pytorch_lightning")
    + """
        self.net = nn.Conv2d(3, outputs, 3)
    def forward(self, x):
        nothing = self.net(x).sum().long() * 0
        one = {"boxes": torch.tensor([[1.0, 2, 5, 6]]), "scores": torch.tensor([0.5]), "labels": torch.tensor([1])}
        return [{name: value + nothing for name, value in one.items()} for _ in x]
"""
)
SERIES = (
    HEAD.format(package="lightning.pytorch")
    + """
        self.lstm, self.net = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, outputs)
    def forward(self, x):
        found = self.net(self.lstm(x)[0][:, -1])
        return {given}
"""
)
WINDOW = DENSE + "    def forward(self, x):\n        return self.net(x.flatten(1))\n"
TEXTS = (
    HEAD.format(package="pytorch_lightning")
    + """
        self.letters, self.net = nn.Embedding(256, 4), nn.Linear(4, outputs)
    def forward(self, x):
        return self.net(self.letters(x).mean(1))
"""
)
LETTERS = """
import torch

def encode(rows, card):
    return torch.tensor([list(text.encode().ljust(8)[:8]) for text in rows["text"].to_pylist()])

def items(rows, card):
    return [text.encode() for text in rows["text"].to_pylist()]
"""
SAMPLES: Mapping[str, pl.DataFrame] = {
    "rows": pl.DataFrame({"a": [n / 7 for n in range(20)], "b": range(20)}),
    "labels": pl.DataFrame({"a": [n / 7 for n in range(20)], "b": range(20), "u": 0, "v": 1, "w": 0}),
    "sales": pl.DataFrame(
        {"day": [*range(10)] * 2, "shop": ["x"] * 10 + ["y"] * 10, "sales": [n / 3 for n in range(20)], "rain": 0.5}
    ),
    "texts": pl.DataFrame({"text": [f"text {n % 3}" for n in range(20)], "mood": ["low", "high"] * 10}),
}
FORECAST = ("--task", "time-series-forecasting", "--forecast", "sales")
# name: the code, the arguments, the sample, what is said; then whether the card works, what it holds, what is told.
CASES: dict[str, tuple[str, tuple[Any, ...], str, tuple[str, ...], bool, dict[str, Any], str]] = {
    "a called loss": (
        DENSE + TRAINED.format(loss="cross_entropy"), (), "rows", ("--labels", "u,v,w"), True,
        {"task": "tabular-classification"}, "its training calls cross_entropy",
    ),
    "labels each by itself": (
        DENSE + TRAINED.format(loss="binary_cross_entropy_with_logits"), (), "labels", ("--labels", "u,v,w"), True,
        {"task": "tabular-multi-label-classification", "targets": {"u": "u", "v": "v", "w": "w"}},
        "binary_cross_entropy_with_logits, for each of 3 figures by itself",
    ),
    "several values": (
        DENSE + TRAINED.format(loss="mse_loss"), (2, 2), "labels", ("--inputs", "a,b", "--outputs", "u,v"), True,
        {"task": "tabular-regression", "outputs": [{"name": "u_estimate"}, {"name": "v_estimate"}],
         "targets": {"u_estimate": "u", "v_estimate": "v"}},
        "hold what is true of them",
    ),
    "shares that do not sum to one": (
        DENSE + "    def forward(self, x):\n        return self.net(x).sigmoid()\n", (), "rows", (), False, {},
        "# task: tabular-multi-label-classification or tabular-regression or tabular-feature-extraction",
    ),
    "an embedding": (
        DENSE + TRAINED.format(loss="triplet_margin_loss"), (2, 5), "rows", ("--task", "tabular-feature-extraction"),
        True, {"dimensions": 5}, "",
    ),
    "masks": (
        MASKS + TRAINED.format(loss="cross_entropy"), (), "", ("--labels", "sky,sea,land", "--size", "32"), True,
        {"task": "image-segmentation", "image": {"size": [32, 32], "channels": 1}}, "it gives a picture of classes",
    ),
    "boxes": (
        BOXES, (), "", ("--labels", "nothing,ship", "--size", "32x48"), True,
        {"task": "object-detection", "image": {"size": [32, 48], "channels": 3}, "labels": ["nothing", "ship"]},
        "it gives boxes with scores and label numbers",
    ),
    "values or steps to come": (
        SERIES.format(given="found"), (), "sales", (), False, {"sequence": {"series": "shop", "step": "day"}},
        "it gives 3 figures a series, which may be values of it, or its next 3 steps",
    ),
    "steps to come": (
        SERIES.format(given="found"), (), "sales", FORECAST, True, {"forecast": {"of": "sales", "horizon": 3}}, "",
    ),
    "steps with quantiles": (
        SERIES.format(given="found.reshape(len(x), -1, 3)"), (2, 12), "sales",
        ("--forecast", "sales", "--quantiles", "0.1,0.5,0.9"), True,
        {"task": "time-series-forecasting", "forecast": {"of": "sales", "horizon": 4, "quantiles": [0.1, 0.5, 0.9]}},
        "it gives 4 further steps of a series",
    ),
    "quantiles that nobody told": (
        SERIES.format(given="found.reshape(len(x), -1, 3)"), (2, 12), "sales", ("--forecast", "sales"), False, {},
        "# forecast: {of: sales, horizon: 4, quantiles: […]}",
    ),
    "a window of fixed length": (
        WINDOW, (10,), "sales", (*FORECAST, "--inputs", "sales,rain"), True,
        {"sequence": {"series": "shop", "step": "day", "length": 5}, "forecast": {"of": "sales", "horizon": 3}},
        "it takes series of 5 steps",
    ),
    "series that are not told apart": (
        SERIES.format(given="found"), (2, 1), "rows", ("--outputs", "y"), False, {"task": "sequence-regression"},
        "which columns tell series apart and order their steps; the sample has 'a', 'b'",
    ),
    "texts without a function": (
        TEXTS, (2, 2), "texts", ("--target", "mood"), False, {"target": "mood"},
        "it has an Embedding: whole numbers, which a function makes of texts or codes",
    ),
    "texts": (
        TEXTS + TRAINING.format(loss="cross_entropy"), (2, 2), "texts",
        ("--target", "mood", "--encode", "{folder}/letters.py:encode"), True,
        {"task": "text-classification", "labels": ["high", "low"], "encode": "letters:encode"}, "",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORELIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FORELIGHT_ACCELERATOR", "cpu")


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_model(tmp_path: Path, name: str) -> None:
    code, arguments, sample, options, works, keys, told = CASES[name]
    folder = trained(tmp_path, code, *arguments)
    (folder / "letters.py").write_text(LETTERS)
    said = [option.format(folder=folder) if "{folder}" in option else option for option in options]
    if sample:
        SAMPLES[sample].write_csv(folder / f"{sample}.csv")
        said += ["--sample", str(folder / f"{sample}.csv")]
    done = drafted(tmp_path, folder, *said)
    assert done.exit_code == (0 if works else 2), done.output
    text = (tmp_path / "models" / "mine" / "card.yaml").read_text()
    assert told in text
    assert {key: card_of(tmp_path).get(key) for key in keys} == keys
    if works:
        checked = command("check", "mine")
        assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--encode", "{folder}/letters.py"), "--encode: '{folder}/letters.py' is not package.module:function"),
        (("--encode", "{folder}/nothing.py:encode"), "--encode: there is no file '{folder}/nothing.py'."),
        (
            ("--encode", "{folder}/letters.py:nothing"),
            "encode: there is no function 'nothing' in letters; it has encode",
        ),
        (("--encode", "{folder}/letters.py:items"), "could not be run on the batch that letters:items makes"),
        (("--sample", "{folder}/nothing.csv"), "--sample: there is no file '{folder}/nothing.csv'."),
        (("--quantiles", "low,high"), "--quantiles: 'low,high' is not numbers such as 0.1,0.5,0.9."),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    folder = trained(tmp_path, TEXTS, 2, 2)
    (folder / "letters.py").write_text(LETTERS)
    SAMPLES["texts"].write_csv(folder / "texts.csv")
    sample = () if "--sample" in options else ("--sample", folder / "texts.csv")
    done = drafted(tmp_path, folder, *sample, "--target", "mood", *(each.format(folder=folder) for each in options))
    assert done.exit_code == 1, done.output
    assert words.format(folder=folder) in done.output


def test_a_person_at_a_terminal_is_asked_and_may_err(tmp_path: Path) -> None:
    """Answers that cannot be are said to be, and asked for again; an empty one leaves the key open."""
    folder = write_model(tmp_path / "trained", SERIES.format(given="found"), {})
    SAMPLES["sales"].write_csv(folder / "sales.csv")
    where = tmp_path / "models" / "shops"
    said = ["--module", f"{folder / 'model.py'}:Model", "--sample", str(folder / "sales.csv"), "-o", str(where)]
    answers = {
        "task: it gives 3 figures": ["forecasting", "time-series-forecasting"],
        "forecast: it gives the next 3 steps of one of its columns: sales, rain.": ["rian", "sales"],
    }
    code, seen = _at_a_terminal(["init", str(folder / "model.ckpt"), *said], answers)
    assert code == 0, seen
    assert not any(answers.values()), "all that was asked was answered"
    assert "the signature has no column 'rian'; it has sales, rain" in seen
    assert "signature: " in seen
    assert "python -m engine check shops" in seen
    assert yaml.safe_load((where / "card.yaml").read_text())["forecast"] == {"of": "sales", "horizon": 3}


def _at_a_terminal(command: list[str], answers: dict[str, list[str]]) -> tuple[int, str]:
    """(exit code, what stood on the screen): each answer is typed when its question is asked."""
    screen, theirs = pty.openpty()
    words = [sys.executable, "-m", "engine", *command]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "300"})
    os.close(theirs)
    seen, read = "", 0
    while select.select([screen], [], [], 120)[0]:
        try:
            seen += os.read(screen, 4_096).decode(errors="replace")
        except OSError:  # the end, on Linux
            break
        if seen.rstrip().endswith(":") and "leaves it open" in seen[read:]:
            asked = max((seen.rfind(question), question) for question in answers)[1]
            os.write(screen, (answers[asked].pop(0) if answers[asked] else "").encode() + b"\n")
            read = len(seen)
    os.close(screen)
    return process.wait(60), seen
