"""From a checkpoint to a working card: what `init` finds, asks and leaves open; what `check MODEL` doubts."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml
from typer.testing import CliRunner, Result

from engine import Engine, Options, Settings, Source
from engine.cards.card import read_card
from engine.cli import app
from engine.cli.init_card import _asked
from engine.draft.given import Given
from engine.draft.text import card_text
from tests.engine.making import TABULAR_CARD, write_model
from tests.pool import open_engine

CLASSIFIER = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, features: int, classes: int = 2):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(features, 8), nn.ReLU(), nn.Linear(8, classes))
        self.loss = nn.CrossEntropyLoss()
    def forward(self, x):
        return self.net(x)
"""
REGRESSION = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, features):
        super().__init__()
        self.net = nn.Linear(features, 1)
    def forward(self, x):
        return self.net(x)
"""
PICTURES = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, pool):
        super().__init__()
        self.save_hyperparameters()
        self.features = nn.Conv2d(3, 4, 3)
        self.pool = nn.AdaptiveAvgPool2d(1) if pool else nn.AvgPool2d(3)
        self.head = nn.Linear(4 if pool else 400, 3)
    def forward(self, x):
        return self.head(self.pool(self.features(x)).flatten(1)).softmax(1)
"""
SERIES = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 6, batch_first=True)
        self.head = nn.Linear(6, 2)
    def forward(self, x):
        return self.head(self.lstm(x)[0])
"""
ROWS = "age,plan,fee,churned\n" + "".join(
    f"{20 + number},{'plus' if number % 3 else 'basic'},{9.5 + number / 2},{'leaves' if number % 2 else 'stays'}\n"
    for number in range(40)
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORELIGHT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FORELIGHT_ACCELERATOR", "cpu")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def trained(tmp_path: Path, code: str, *arguments: Any) -> Path:
    """A checkpoint and, beside it, the Python file it was trained with; nothing else."""
    folder = write_model(tmp_path / "trained", code, TABULAR_CARD, *arguments)
    (folder / "card.yaml").unlink()
    return folder


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def drafted(tmp_path: Path, folder: Path, *options: object) -> Result:
    where = tmp_path / "models" / "mine"
    module = f"{folder / 'model.py'}:Model"
    return command("init", folder / "model.ckpt", "--module", module, "-o", where, *options)


def card_of(tmp_path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((tmp_path / "models" / "mine" / "card.yaml").read_text())
    return content


def test_five_minutes_from_a_checkpoint_to_predictions(tmp_path: Path, rows: Path) -> None:
    done = drafted(tmp_path, trained(tmp_path, CLASSIFIER, 3), "--sample", rows, "--target", "churned")
    assert done.exit_code == 0, done.output
    card = read_card(tmp_path / "models" / "mine" / "card.yaml")
    assert (card.task, card.labels, card.target) == ("tabular-classification", ("leaves", "stays"), "churned")
    assert [(c.name, c.type, c.categories) for c in card.signature] == [
        ("age", "integer", ()),
        ("plan", "category", ("basic", "plus")),
        ("fee", "float", ()),
    ]
    text = (tmp_path / "models" / "mine" / "card.yaml").read_text()
    assert "# its loss is a CrossEntropyLoss" in text
    assert "alphabetical" in text, "what is an assumption is said"
    assert "valid ranges (in the sample age 20 to 59, fee 9.5 to 29)" in text, "what nobody said is proposed, not set"
    engine = open_engine(Settings())
    run = engine.check("mine", [Source("rows.csv", rows)])
    engine.submit(run.id, Options())
    assert engine.wait(run.id).state == "done"
    shown = engine.results(run.id).page(0, 3)
    net = torch.load(tmp_path / "trained" / "model.ckpt", weights_only=True)["state_dict"]
    x = torch.tensor([[20.0, 0.0, 9.5], [21.0, 1.0, 10.0], [22.0, 1.0, 10.5]])
    hidden = (x @ net["net.0.weight"].T + net["net.0.bias"]).relu()
    expected = (hidden @ net["net.2.weight"].T + net["net.2.bias"]).softmax(1)
    assert shown["probability_leaves"].to_list() == pytest.approx(expected[:, 0].tolist(), rel=1e-5)
    engine.close()


def test_what_nothing_tells_is_left_open_with_its_reason(tmp_path: Path) -> None:
    done = drafted(tmp_path, trained(tmp_path, REGRESSION, 4), "--set", "features=4")
    assert done.exit_code == 2
    text = (tmp_path / "models" / "mine" / "card.yaml").read_text()
    assert "# task: tabular-classification or tabular-regression" in text
    assert "its weights do not say which" in text
    assert "# signature: [{name: …} × 4]" in text
    assert "--task" in done.output
    assert "--inputs" in done.output
    assert card_of(tmp_path)["hyper_parameters"] == {"features": 4}
    entry = Engine(Settings()).model("mine")
    assert "key 'task' is missing" in entry.error, "a visitor's page says what is missing, and does not guess"


def test_what_is_said_closes_what_was_open(tmp_path: Path) -> None:
    options = ("--set", "features=4", "--task", "tabular-regression", "--inputs", "a,b,c,d", "--outputs", "price")
    done = drafted(tmp_path, trained(tmp_path, REGRESSION, 4), *options)
    assert done.exit_code == 0, done.output
    assert card_of(tmp_path)["outputs"] == [{"name": "price"}]


def test_arguments_that_no_checkpoint_holds_are_named(tmp_path: Path) -> None:
    done = drafted(tmp_path, trained(tmp_path, REGRESSION, 4))
    assert done.exit_code == 2
    assert "needs features, which the checkpoint does not hold" in done.output
    assert "--set name=value" in done.output


@pytest.mark.parametrize("pool", [False, True])
def test_pictures_and_their_size(tmp_path: Path, pool: bool) -> None:
    done = drafted(tmp_path, trained(tmp_path, PICTURES, pool), "--labels", "ant,bee,cat")
    card = card_of(tmp_path)
    assert card["task"] == "image-classification", "shares that sum to one"
    if pool:
        assert done.exit_code == 2
        assert "one of them it was trained on" in done.output
        shutil.rmtree(tmp_path / "models")
        shutil.rmtree(tmp_path / "trained")
        done = drafted(tmp_path, trained(tmp_path, PICTURES, pool), "--labels", "ant,bee,cat", "--size", "64x48")
        assert card_of(tmp_path)["image"] == {"size": [64, 48], "channels": 3}
    else:
        assert card["image"] == {"size": [32, 32], "channels": 3}
    assert done.exit_code == 0, done.output


def test_series(tmp_path: Path) -> None:
    options = ("--inputs", "a,b,c,d,e", "--outputs", "u,v")
    done = drafted(tmp_path, trained(tmp_path, SERIES), *options)
    assert done.exit_code == 0, done.output
    assert card_of(tmp_path)["task"] == "sequence-regression"
    assert card_of(tmp_path)["sequence"] == {"series": "series", "step": "step"}


def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trained(tmp_path, REGRESSION, 2)
    answers = iter(["features: 2", "tabular-regression", "a, b", "price"])
    asked: list[str] = []

    def answer(question: Any) -> str:
        asked.append(question.key)
        return next(answers)

    monkeypatch.setattr("engine.cli.init_card._answer", answer)
    given = Given(folder / "model.ckpt", f"{folder / 'model.py'}:Model")
    draft = _asked(given, tmp_path / "models" / "mine", ask=True)
    assert asked == ["hyper_parameters", "task", "signature", "outputs"]
    assert draft.works
    assert "price" in card_text(draft)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "nothing"), "has no column 'nothing'"),
        (("--inputs", "age,nothing,fee"), "has no column 'nothing'"),
        (("--size", "big"), "HEIGHTxWIDTH"),
        (("--set", "x"), "name=value"),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path: Path, rows: Path, options: tuple[str, str], words: str) -> None:
    done = drafted(tmp_path, trained(tmp_path, CLASSIFIER, 3), "--sample", rows, *options)
    assert done.exit_code == 1
    assert words in done.output


def test_files_that_are_not_there(tmp_path: Path) -> None:
    folder = trained(tmp_path, CLASSIFIER, 3)
    where = tmp_path / "models" / "mine"
    for checkpoint, module, words in (
        (tmp_path / "no.ckpt", "model.py:Model", "There is no checkpoint"),
        (folder / "model.ckpt", "no.py:Model", "there is no file"),
        (folder / "model.ckpt", "Model", "is not package.module:Class"),
        (folder / "model.ckpt", "no.such.package:Model", "cannot be imported"),
        (folder / "model.ckpt", f"{folder / 'model.py'}:Other", "no class 'Other'"),
    ):
        done = command("init", checkpoint, "--module", module, "-o", where)
        assert (done.exit_code, words in done.output) == (1, True), done.output
    (where / "card.yaml").write_text("title: mine")
    done = command("init", folder / "model.ckpt", "--module", "x:Y", "-o", where)
    assert done.exit_code == 1
    assert (where / "card.yaml").read_text() == "title: mine", "a card that is there is not written over"


def test_a_card_that_nobody_changed_is_drafted_anew(tmp_path: Path) -> None:
    folder, where = trained(tmp_path, REGRESSION, 4), tmp_path / "models" / "mine"
    options = ("--set", "features=4", "--task", "tabular-regression", "--inputs", "a,b,c,d")
    assert drafted(tmp_path, folder, *options[:2]).exit_code == 2
    (folder / "model.py").write_text(REGRESSION + "# a line more\n")
    assert drafted(tmp_path, folder, *options).exit_code == 2
    assert (where / "model.py").read_text().endswith("# a line more\n")
    done = drafted(tmp_path, folder, *options, "--outputs", "price")
    assert done.exit_code == 0, done.output
    for name, words in (("model.py", "was not left so by init"), ("card.yaml", "is not as init left it")):
        changed = (where / name).read_text() + "# mine\n"
        (where / name).write_text(changed)
        done = drafted(tmp_path, folder, *options)
        assert (done.exit_code, words in done.output) == (1, True), done.output
        assert (where / name).read_text() == changed


@pytest.mark.parametrize(("width", "words"), [(6, "'plan' (2), 'city' (3) make 6"), (4, "the first of each left out")])
def test_one_hot_columns_are_seen(tmp_path: Path, width: int, words: str) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("age,plan,city,y\n" + "".join(f"{n},{'ab'[n % 2]},{'cde'[n // 3]},{n % 2}\n" for n in range(9)))
    folder = trained(tmp_path, CLASSIFIER, width)
    done = drafted(tmp_path, folder, "--sample", rows, "--target", "y")
    assert (done.exit_code, words in done.output) == (2, True), done.output
    (tmp_path / "one_hot.py").write_text(
        "import torch\ndef encode(rows, card):\n"
        "    columns = [rows['age'].to_pylist()]\n"
        "    for name, values in (('plan', 'ab'), ('city', 'cde')):\n"
        f"        columns += [[v == each for v in rows[name].to_pylist()] for each in values[{int(width == 4)}:]]\n"
        "    return torch.tensor(columns).float().T\n"
    )
    told = ("--sample", rows, "--target", "y", "--encode", f"{tmp_path / 'one_hot.py'}:encode")
    done = drafted(tmp_path, folder, *told)
    assert done.exit_code == 0, done.output


DOUBTFUL = {
    "stays in train mode": """
import pytorch_lightning as pl
from torch import nn
class Stubborn(nn.Dropout):
    def train(self, mode=True):
        return super().train(True)
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.drop = nn.Linear(4, 1), Stubborn(0.5)
    def forward(self, x):
        return self.net(self.drop(x))
""",
    "depend on the rows beside them": """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)
    def forward(self, x):
        return self.net(x - x.mean(0))
""",
    "the widest layer takes 2": """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 1)
    def forward(self, x):
        return self.net(x[:, :2])
""",
    "other values of 'c', 'd' change no prediction": """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, x):
        return self.net(x[:, :2])
""",
    "predicted twice, the rows get different figures": """
import pytorch_lightning as pl
import torch
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)
    def forward(self, x):
        return self.net(x) + torch.rand(len(x), 1)
""",
    "give NaN or infinity": """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)
    def forward(self, x):
        return self.net(x).log() * 0 + (x[:, :1] - 3).log()
""",
    "all 30 rows get the same prediction": """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)
    def forward(self, x):
        return self.net(x * 0)
""",
}


@pytest.mark.parametrize("words", DOUBTFUL)
def test_every_doubt_is_said(tmp_path: Path, words: str) -> None:
    card = {**TABULAR_CARD, "samples": [{"title": "rows", "files": ["rows.csv"]}]}
    folder = write_model(tmp_path / "models" / "mine", DOUBTFUL[words], card)
    rows = pl.DataFrame({name: [float(n * place % 7) for n in range(30)] for place, name in enumerate("abcd", 1)})
    rows.write_csv(folder / "rows.csv")
    done = command("check", "mine", "--json")
    said = json.loads(done.stdout)
    doubts = [doubt["message"] for doubt in said["doubts"]]
    assert any(words in doubt for doubt in doubts), doubts
    errors = [doubt for doubt in said["doubts"] if doubt["severity"] == "error"]
    assert done.exit_code == (2 if errors else 0)
    assert said["works"] is (not errors)


SHARES = CLASSIFIER.replace(
    "return self.net(x)", "return self.net(x).softmax(1) * (1 - 0.2 * (x[:, :1] > 100).float())"
)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["low", "high"], "probabilities sum to one but for 0.2."),
        (["low", "middle", "high"], "The model gives [2] for a row; the card names 3 labels (low, middle, high)."),
    ],
)
def test_outputs_that_are_not_the_labels_are_errors(tmp_path: Path, labels: list[str], words: str) -> None:
    """The second row is one whose like no made-up row was."""
    card = {"title": "A", "task": "tabular-classification", "signature": [{"name": "a"}]}
    card |= {"labels": labels, "samples": [{"title": "rows", "files": ["rows.csv"]}]}
    folder = write_model(tmp_path / "models" / "mine", SHARES, card, 1)
    (folder / "rows.csv").write_text("a\n1\n2000\n")
    done = command("check", "mine", "--json")
    assert done.exit_code == 2
    doubts = [(doubt["severity"], doubt["message"]) for doubt in json.loads(done.stdout)["doubts"]]
    assert any(severity == "error" and words in message for severity, message in doubts), doubts


def test_labels_in_the_wrong_order_are_noticed(tmp_path: Path) -> None:
    code = CLASSIFIER.replace(
        "return self.net(x)", "return (x[:, :1] - 0.5) * self.net[2].bias.new_tensor([1.0, -1.0])"
    )
    card = {"title": "A", "task": "tabular-classification", "signature": [{"name": "a"}], "target": "truth"}
    for labels, doubted in ((["high", "low"], False), (["low", "high"], True)):
        named = {**card, "labels": labels, "samples": [{"title": "rows", "files": ["rows.csv"]}]}
        folder = write_model(tmp_path / "models" / f"{labels[0]}-first", code, named, 1)
        rows = pl.DataFrame({"a": [number % 2 for number in range(30)]})
        rows.with_columns(truth=pl.when(pl.col("a") == 1).then(pl.lit("high")).otherwise(pl.lit("low"))).write_csv(
            folder / "rows.csv"
        )
        done = command("check", f"{labels[0]}-first", "--json")
        doubts = [doubt["message"] for doubt in json.loads(done.stdout)["doubts"]]
        assert any("order of the labels" in doubt for doubt in doubts) is doubted


def test_the_bundled_models_are_not_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORELIGHT_MODELS")
    for model in (
        "breast-cancer",
        "diabetes-progression",
        "digits",
        "el-nino",
        "lorenz-state",
        "penguins",
        "yeast-genes",
    ):
        said = json.loads(command("check", model, "--json").stdout)
        assert said["works"], said
    assert os.environ.get("FORELIGHT_MODELS") is None


def test_a_model_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models" / "mine", CLASSIFIER, {**TABULAR_CARD, "module": "gone:Model"}, 4)
    done = command("check", folder.name)
    assert done.exit_code == 2
    assert "'gone' cannot be imported" in done.output
    assert command("check", "nothing").exit_code == 2
