"""Preprocessing that belongs to the model: standardised columns, transforms of pictures, functions of the host's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from torchvision.transforms import v2

from engine import Engine, ForelightError, Options, Settings, Source
from engine.cards.parts import ImageInput
from engine.checkpoints.warm import load_model
from engine.errors import CardError, HostCodeFailed
from engine.model_check.doubts import rehearse
from engine.prediction.predictor import predict_shard
from engine.runs.folder import RunFolder
from engine.tasks.image_inputs import normalise
from tests.conftest import Predicting
from tests.engine.making import TABULAR_CARD, write_model
from tests.pool import open_engine

LINEAR = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self, width=4, outputs=1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, outputs)

    def forward(self, x):
        return self.layer(x)
"""
WORDS = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.bag = torch.nn.EmbeddingBag(256, 2)

    def predict_step(self, batch, batch_idx):
        return {"scores": self.bag(batch["letters"], batch["starts"]), "note": "of no use"}
"""
LETTERS = """
import torch

def letters(rows, card):
    assert rows.column_names == [column.name for column in card.signature]
    texts = [list(text.encode()) for text in rows["text"].to_pylist()]
    starts = torch.tensor([0] + [len(text) for text in texts[:-1]]).cumsum(0)
    return {"letters": torch.tensor(sum(texts, [])), "starts": starts}

def named(output, rows, card):
    return [card.labels[place] for place in output["scores"].argmax(1)]

def column(output, rows, card):
    return {"prediction": named(output, rows, card)}

def scores(output, rows, card):
    return output["scores"]

def broken(rows, card):
    return torch.tensor(rows["text"].to_pylist()[0] / 2)

def one_too_few(rows, card):
    return torch.zeros(rows.num_rows - 1, 2)

def unread(rows, card):
    return open("vocab.json")
"""
TEXT_CARD: dict[str, Any] = {
    "title": "Letters",
    "task": "tabular-classification",
    "signature": [{"name": "text", "type": "string", "example": "some words"}],
    "labels": ["dull", "lively"],
    "target": "mood",
    "encode": "words:letters",
    "decode": "words:column",
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def engine(tmp_path: Path, models: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=tmp_path / "home", models=(models,), accelerator="cpu"))
    yield engine
    engine.close()


def text_model(models: Path, **card: Any) -> Path:
    folder = write_model(models / "words", WORDS, {**TEXT_CARD, **card})
    (folder / "words.py").write_text(LETTERS)
    return folder


def loaded(folder: Path) -> Any:
    from engine.cards.card import read_card

    return load_model(read_card(folder / "card.yaml"), folder)


def weights(folder: Path) -> Mapping[str, torch.Tensor]:
    state: Mapping[str, torch.Tensor] = torch.load(folder / "model.ckpt", weights_only=True)["state_dict"]
    return state


def test_standardised_columns(engine: Engine, models: Path, tmp_path: Path) -> None:
    signature = [{"name": "a", "mean": 100.0, "std": 20.0}, {"name": "b", "range": [0, 9], "std": 3}, {"name": "c"}]
    signature.append({"name": "d", "type": "integer", "mean": -1.5})
    folder = write_model(models / "m", LINEAR, {**TABULAR_CARD, "signature": signature})
    rows = pl.DataFrame({"a": [80.0, 131.7], "b": [0.0, 9.0], "c": [1.0, 2.0], "d": [4, -7]})
    rows.write_csv(tmp_path / "rows.csv")
    lines = Predicting(engine).results("m", [tmp_path / "rows.csv"]).page(0, 10)
    x = (rows.to_numpy() - [100, 0, 0, -1.5]) / [20, 3, 1, 1]
    state = weights(folder)
    expected = torch.from_numpy(x.astype(np.float32)) @ state["layer.weight"][0] + state["layer.bias"]
    assert lines["y"].to_list() == pytest.approx(expected.tolist(), rel=1e-6)
    assert lines["a"].to_list() == [80.0, 131.7]


TRANSFORMS: list[tuple[list[Any], list[v2.Transform]]] = [
    ([{"CenterCrop": {"size": 4}}], [v2.CenterCrop(4)]),
    ([{"Resize": {"size": [3, 5], "interpolation": "bicubic"}}], [v2.Resize([3, 5], v2.InterpolationMode.BICUBIC)]),
    (
        [{"Pad": {"padding": 1}}, {"GaussianBlur": {"kernel_size": 3, "sigma": 0.7}}],
        [v2.Pad(1), v2.GaussianBlur(3, 0.7)],
    ),
    (
        [{"Grayscale": {"num_output_channels": 3}}, {"ToDtype": {"dtype": "float32", "scale": True}},
         {"Normalize": {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}}],
        [v2.Grayscale(3), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("named", "transforms"), TRANSFORMS)
def test_pictures_are_transformed_as_torchvision_does(named: list[Any], transforms: list[v2.Transform]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 6), np.uint8)
    expected = v2.Compose([*transforms, v2.ToDtype(torch.float32, scale=True)])(torch.from_numpy(pixels.copy()))
    found = normalise(pixels, ImageInput.model_validate({"size": [8, 6], "transforms": named}))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("transforms", "words"),
    [
        (["CentreCrop"], "did you mean 'CenterCrop'"),
        (["RandomHorizontalFlip"], "there is no transform 'RandomHorizontalFlip' here"),
        ([{"Lambda": {"lambd": "print"}}], "there is no transform 'Lambda' here"),
        ([{"CenterCrop": {"sise": 4}}], "Its arguments: size"),
        ([{"CenterCrop": {"size": "large"}}], "CenterCrop cannot be"),
        ([{"GaussianBlur": {"kernel_size": 3}}], "give one: sigma"),
        ([{"ToDtype": {"dtype": "float33"}}], "there is no 'float33'"),
        ([{"Normalize": {"mean": [0.5], "std": [0.5]}}], "cannot be applied to pictures of .* uint8"),
    ],
)
def test_transforms_that_cannot_be(transforms: list[Any], words: str) -> None:
    with pytest.raises((CardError, ValueError), match=words):
        normalise(
            np.zeros((1, 3, 8, 8), np.uint8), ImageInput.model_validate({"size": [8, 8], "transforms": transforms})
        )


def test_functions_beside_the_checkpoint(engine: Engine, models: Path, tmp_path: Path) -> None:
    folder = text_model(models)
    (tmp_path / "rows.csv").write_text("id,text,mood\n1,what fun,lively\n2,,dull\n3,oh\n4,again and again,dull\n")
    lines = Predicting(engine).results("words", [tmp_path / "rows.csv"], on_error="report").page(0, 10)
    bag = weights(folder)["bag.weight"]
    scores = [bag[list(text.encode())].mean(0) for text in ("what fun", "oh", "again and again")]
    expected = [TEXT_CARD["labels"][int(score.argmax())] for score in scores]
    assert lines["prediction"].to_list() == [expected[0], None, *expected[1:]]
    assert lines["status"].to_list() == ["ok", "failed", "ok", "ok"]
    facts = engine.facts("words")
    assert facts.found[0].startswith("Model.predict_step takes the batch that words:letters makes (found with")
    assert facts.output_kind == "classes"


def test_decode_may_give_what_the_task_reads(engine: Engine, models: Path, tmp_path: Path) -> None:
    folder = text_model(models, decode="words:scores")
    (tmp_path / "rows.csv").write_text("text\nwhat fun\n")
    lines = Predicting(engine).results("words", [tmp_path / "rows.csv"]).page(0, 10)
    share = weights(folder)["bag.weight"][list(b"what fun")].mean(0).softmax(0)
    assert lines.select("probability_dull", "probability_lively").row(0) == pytest.approx(share.tolist())


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"encode": "words:broken"}, r"encode: words:broken failed in words.py, line 20: TypeError: unsupp"),
        ({"encode": "words:one_too_few"}, "encode: words:one_too_few gives 2 entries for 3 rows"),
        ({"encode": "words:leters"}, "encode: there is no function 'leters' in words; it has broken, column"),
        ({"encode": "wrods:letters"}, "encode: 'wrods' cannot be imported"),
        ({"encode": "words:unread"}, r"FileNotFoundError: .*Put vocab.json beside the card, and open it as Path\("),
        ({"decode": "words:named"}, "decode: words:named gives list, expected a tensor, or a dict of columns"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_at_load(models: Path, card: dict[str, Any], words: str) -> None:
    folder = text_model(models, **card)
    with pytest.raises(ForelightError, match=words):
        loaded(folder)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return {'prediction': ['dull']}", "gives 1 values of 'prediction' for 5 rows"),
        ("return {'mood': ['dull'] * rows.num_rows}", "gives the columns mood; expected prediction"),
        ("return {'prediction': [{}] * rows.num_rows}", "gives a column 'prediction' that is not string"),
        ("return output['scores'][:2]", r"gives \[\[2, 2\], \[2, 2\]\] for \[3, 5\] rows"),
        ("raise ValueError", "decode: own:decode failed in own.py, line 2: ValueError"),
    ],
)
def test_what_decode_gives_is_checked(models: Path, body: str, words: str) -> None:
    folder = text_model(models, decode="own:decode")
    (folder / "own.py").write_text(f"def decode(output, rows, card):\n    {body}\n")
    with pytest.raises(HostCodeFailed, match=words):
        loaded(folder)


def test_files_that_the_class_reads_are_named(models: Path, tmp_path: Path) -> None:
    folder = write_model(models / "m", LINEAR, TABULAR_CARD)
    reads = "        open(words or __file__.replace('model.py', 'vocab.json'))\n        self.layer"
    (folder / "model.py").write_text(LINEAR.replace("1):", "1, words=''):").replace("        self.layer", reads))
    with pytest.raises(CardError, match=r"Model cannot be built\. Put vocab\.json beside the card\."):
        loaded(folder)
    card = {"module": "model:Model", **TABULAR_CARD, "hyper_parameters": {"words": str(tmp_path / "words.txt")}}
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    with pytest.raises(CardError, match=r"words\.txt' is its argument words, .*say in the card where: words: /…/words"):
        loaded(folder)


def test_changed_code_beside_the_card_is_another_model(engine: Engine, models: Path, tmp_path: Path) -> None:
    folder = write_model(models / "m", LINEAR, {**TABULAR_CARD, "encode": "own:rows_of"})
    code = "import torch, scale\ndef rows_of(rows, card):\n"
    code += "    return torch.tensor([list(row.values()) for row in rows.to_pylist()]).float() * scale.FACTOR\n"
    (folder / "own.py").write_text(code)
    pl.DataFrame({name: [1.0, 2.0] for name in "abcd"}).write_csv(tmp_path / "rows.csv")
    state, found = weights(folder), []
    for factor in (1, 10):
        (folder / "scale.py").write_text(f"FACTOR = {factor}\n")
        found.append(Predicting(engine).results("m", [tmp_path / "rows.csv"]).page(0, 10)["y"].to_list())
    sums = [float(state["layer.weight"].sum()) * x for x in (1, 2, 10, 20)]
    assert [*found[0], *found[1]] == pytest.approx([each + float(state["layer.bias"]) for each in sums], rel=1e-4)


def test_items_are_collated(engine: Engine, models: Path, tmp_path: Path) -> None:
    folder = write_model(models / "m", LINEAR, {**TABULAR_CARD, "encode": "own:items", "collate": "own:stacked"})
    code = "def items(rows, card):\n    return [tuple(row.values()) for row in rows.to_pylist()]\n"
    code += "def stacked(items):\n    import torch\n    return torch.tensor(items), None\n"
    (folder / "own.py").write_text(code)
    (folder / "model.py").write_text(LINEAR + "    def predict_step(self, batch, batch_idx): return self(batch[0])\n")
    rows = pl.DataFrame({name: [0.5 * n + place for n in range(3)] for place, name in enumerate("abcd")})
    rows.write_csv(tmp_path / "rows.csv")
    lines = Predicting(engine).results("m", [tmp_path / "rows.csv"]).page(0, 10)
    state = weights(folder)
    expected = rows.to_numpy() @ state["layer.weight"][0].numpy() + state["layer.bias"].numpy()
    assert lines["y"].to_list() == pytest.approx(expected.tolist(), rel=1e-5)
    assert engine.facts("m").found[0].startswith("Model.predict_step takes the batch that own:stacked makes")


OWN = """
import torch

def series(rows, card):
    assert rows.column_names == ["series", "step", "a"]
    return torch.tensor(rows["a"].to_pylist()).float().reshape(len(set(rows["series"].to_pylist())), -1, 1)

def pictures(rows, card):
    return torch.tensor(rows["pixels"].combine_chunks().to_numpy_ndarray()).float()

def centred(rows, card):
    x = torch.tensor([list(row.values()) for row in rows.to_pylist()])
    return x - x.mean(0)

def known(rows, card):
    assert set(rows["text"].to_pylist()) == {"known"}
    return {"letters": torch.zeros(rows.num_rows, dtype=torch.long), "starts": torch.arange(rows.num_rows)}
"""


@pytest.mark.parametrize(
    ("function", "card"),
    [
        ("series", {"task": "sequence-regression", "signature": [{"name": "a"}], "sequence": {"length": 4}}),
        ("pictures", {"task": "image-regression", "signature": [], "image": {"size": [2, 2], "channels": 1}}),
    ],
)
def test_series_and_pictures_reach_the_function_whole(models: Path, function: str, card: dict[str, Any]) -> None:
    code = LINEAR.replace("self.layer(x)", "self.layer(x.flatten(1))")
    folder = write_model(models / function, code, {**TABULAR_CARD, **card, "encode": f"own:{function}"})
    (folder / "own.py").write_text(OWN)
    assert loaded(folder).calling.batch == "tensor"


def test_a_function_that_looks_at_the_neighbours_is_doubted(models: Path, tmp_path: Path) -> None:
    folder = write_model(models / "m", LINEAR, {**TABULAR_CARD, "encode": "own:centred"})
    (folder / "own.py").write_text(OWN)
    (tmp_path / "rows.csv").write_text("a,b,c,d\n1.5,2,3,4\n5,6,7.5,8\n9,1,2,3\n")
    seen = rehearse(loaded(folder), "rows", [Source("rows.csv", tmp_path / "rows.csv")], Settings(accelerator="cpu"))
    assert any("depend on the rows beside them" in doubt.message for doubt in seen.doubts)


def test_the_probe_takes_the_rows_of_the_sample(models: Path) -> None:
    """Made-up texts may be nothing that a function can read."""
    folder = text_model(models, samples=[{"title": "Words", "files": ["words.csv"]}], encode="own:known")
    (folder / "words.csv").write_text("text\nknown\n\nknown\n")
    (folder / "own.py").write_text(OWN)
    assert loaded(folder).calling.batch == "own"


PICKY = """
import torch

def encode(rows, card):
    if "nothing" in rows["text"].to_pylist():
        raise ValueError("'nothing' is no text")
    return torch.tensor([[float(text)] for text in rows["text"].to_pylist()])

def items(rows, card):
    return [{"x": float(len(text)), "long": len(text) > 3} for text in rows["text"].to_pylist()]

def collate(items):
    return torch.tensor([[item["x"]] for item in items if not item["long"] or 1 / 0])

def alike(rows, card):
    texts = rows["text"].to_pylist()
    return torch.stack([torch.zeros(len(text)) for text in texts])[:, :1]

def without_a_disk(rows, card):
    if rows.num_rows not in (3, 5):
        raise OSError("the disk is gone")
    return torch.zeros(rows.num_rows, 1)

def careful(output, rows, card):
    if "66" in rows["text"].to_pylist():
        raise ValueError("66 is too much")
    return output

def never(output, rows, card):
    if set(rows["text"].to_pylist()) != {"12"}:
        raise KeyError("scale")
    return {"y": output[:, 0]}
"""
PICKY_CARD: dict[str, Any] = {**TABULAR_CARD, "signature": [{"name": "text", "type": "string", "example": "12"}]}


def picky(models: Path, **card: Any) -> Path:
    folder = write_model(models / "picky", LINEAR, {**PICKY_CARD, **card}, 1)
    (folder / "own.py").write_text(PICKY)
    return folder


def picked(engine: Engine, path: Path, texts: list[str], **options: Any) -> pl.DataFrame:
    pl.DataFrame({"text": texts}).write_csv(path)
    return Predicting(engine).results("picky", [path], **options).page(0, 10_000)


@pytest.mark.parametrize("batch_size", [None, 2, 7])
def test_a_row_that_encode_cannot_take_costs_itself(
    engine: Engine, models: Path, tmp_path: Path, batch_size: int | None
) -> None:
    state = weights(picky(models, encode="own:encode"))
    texts = ["1", "x", "nothing", "nothing", "4", *(str(n) for n in range(30)), "y", "nothing", "", "7"]
    lines = picked(engine, tmp_path / "rows.csv", texts, on_error="report", batch_size=batch_size)
    assert lines["row"].to_list() == list(range(1, len(texts) + 1))
    expected = [float(text) if text.isdecimal() else None for text in texts]
    scale, start = state["layer.weight"].item(), state["layer.bias"].item()
    assert lines["y"].to_list() == pytest.approx([None if x is None else x * scale + start for x in expected])
    errors = dict(zip(lines["row"], lines["error"], strict=True))
    assert errors[2] == "encode does not take this row: could not convert string to float: 'x'"
    assert errors[3] == errors[4] == "encode does not take this row: 'nothing' is no text"
    assert "is empty" in errors[38], "what the check finds comes first"
    assert lines["error"].null_count() == lines["y"].is_not_null().sum() == 33


@pytest.mark.parametrize("batch_size", [None, 1, 40])
def test_a_row_that_decode_cannot_take_costs_itself(
    engine: Engine, models: Path, tmp_path: Path, batch_size: int | None
) -> None:
    state = weights(picky(models, encode="own:encode", decode="own:careful"))
    texts = ["66", "1", "x", "66", *(str(n) for n in range(100)), "nothing", "66", "7"]
    lines = picked(engine, tmp_path / "rows.csv", texts, on_error="report", batch_size=batch_size)
    assert lines["row"].to_list() == list(range(1, len(texts) + 1))
    scale, start = state["layer.weight"].item(), state["layer.bias"].item()
    expected = [float(text) * scale + start if text.isdecimal() and text != "66" else None for text in texts]
    assert lines["y"].to_list() == pytest.approx(expected)
    errors = dict(zip(texts, lines["error"], strict=True))
    assert errors["66"] == "decode does not take this row: 66 is too much"
    assert errors["nothing"] == "encode does not take this row: 'nothing' is no text"
    assert lines["error"].null_count() == lines["y"].is_not_null().sum() == 101


def test_a_decode_that_takes_no_row_fails_the_run(
    engine: Engine, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = picky(models, encode="own:encode", decode="own:never")
    pl.DataFrame({"text": [str(n) for n in range(100, 160)]}).write_csv(tmp_path / "rows.csv")
    sources = [Source("rows.csv", tmp_path / "rows.csv")]
    run = engine.check("picky", sources)
    engine.submit(run.id, Options(batch_size=40))
    ended = engine.wait(run.id)
    assert ended.state == "failed"
    assert "decode: own:never failed in own.py, line 31: KeyError: 'scale'" in ended.error
    _, now = engine.predict_now("picky", sources)
    assert set(now["error"]) == {"decode does not take this row: KeyError: 'scale'"}, "nobody's run"
    monkeypatch.setattr("engine.prediction.predictor.MOST_REFUSED", 7)
    rows, model = RunFolder(run.folder).rows(), loaded(folder)
    for batch_size, stopped in ((None, False), (1, True)):
        tried: list[int] = []
        with pytest.raises(HostCodeFailed, match="own:never failed"):
            predict_shard(
                model,
                rows,
                1,
                tmp_path / "lines.parquet",
                batch_size=batch_size,
                accelerator="cpu",
                after_batch=lambda done, _, tried=tried, stopped=stopped: tried.append(done) or stopped,
                begins_run=True,
            )
        assert tried == [1, 2, 3, 4, 5, 6], "the rest is not tried"


def test_a_row_that_collate_cannot_take_costs_itself(engine: Engine, models: Path, tmp_path: Path) -> None:
    picky(models, encode="own:items", collate="own:collate")
    lines = picked(engine, tmp_path / "rows.csv", ["a", "abcd", "ab"], on_error="report")
    assert lines["error"].to_list() == [
        None,
        "collate does not take this row: ZeroDivisionError: division by zero",
        None,
    ]


def test_where_no_row_is_taken_all_are_reported(engine: Engine, models: Path, tmp_path: Path) -> None:
    picky(models, encode="own:encode")
    lines = picked(engine, tmp_path / "rows.csv", ["nothing"] * 40, on_error="report", batch_size=16)
    assert lines["status"].to_list() == ["failed"] * 40
    sources = (Source("rows.csv", tmp_path / "rows.csv"),)
    _, now = engine.predict_now("picky", sources)
    assert now["error"].to_list() == lines["error"].to_list()


def test_a_series_is_refused_whole(engine: Engine, models: Path, tmp_path: Path) -> None:
    card = {"task": "sequence-regression", "signature": [{"name": "a"}], "sequence": {"length": 2}}
    folder = write_model(models / "m", LINEAR, {**TABULAR_CARD, **card, "encode": "own:series"}, 1)
    told = yaml.safe_load((folder / "card.yaml").read_text())
    (folder / "card.yaml").write_text(yaml.safe_dump({**told, "decode": "own:deep"}))
    code = (
        "import torch\ndef series(rows, card):\n    x = torch.tensor(rows['a'].to_pylist()).float().reshape(-1, 2, 1)\n"
    )
    (folder / "own.py").write_text(
        code
        + "    if (x == -4).any():\n        raise ValueError('no such depth')\n    return x\n"
        + "def deep(output, rows, card):\n    if 6 in rows['a'].to_pylist():\n        raise ValueError('too deep')\n"
        + "    return output\n"
    )
    rows = pl.DataFrame({"series": ["u", "u", "v", "v", "w", "w"], "step": [1, 2] * 3, "a": [1.0, 2, 3, -4, 5, 6]})
    rows.write_csv(tmp_path / "rows.csv")
    lines = Predicting(engine).results("m", [tmp_path / "rows.csv"], on_error="report").page(0, 10)
    why, deep = "encode does not take this series: no such depth", "decode does not take this series: too deep"
    assert lines["error"].to_list() == [None, None, why, why, deep, deep]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("alike", "encode: own:alike failed in own.py, line 17: RuntimeError: stack expects each tensor"),
        ("without_a_disk", "encode: own:without_a_disk failed in own.py, line 21: OSError: the disk is gone"),
    ],
)
def test_what_is_no_rows_fault_fails_the_run(
    engine: Engine, models: Path, tmp_path: Path, function: str, words: str
) -> None:
    """Rows that are taken one by one and not together, and what the machine lacks."""
    picky(models, encode=f"own:{function}")
    pl.DataFrame({"text": ["a", "ab", "a", "abc"]}).write_csv(tmp_path / "rows.csv")
    run = engine.check("picky", [Source("rows.csv", tmp_path / "rows.csv")])
    engine.submit(run.id)
    ended = engine.wait(run.id)
    assert ended.state == "failed"
    assert words in ended.error


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("x", "encode does not take this row: could not convert string to float: 'x'"),
        ("66", "decode does not take this row: 66 is too much"),
    ],
)
def test_a_sample_with_such_a_row_loads_and_is_doubted(models: Path, first: str, why: str) -> None:
    samples = [{"title": "Few", "files": ["few.csv"]}]
    folder = picky(models, encode="own:encode", decode="own:careful", samples=samples)
    (folder / "few.csv").write_text(f"text\n{first}\n1\n2\nnothing\n5\n")
    model = loaded(folder)
    seen = rehearse(model, "Few", [Source("few.csv", folder / "few.csv")], Settings(accelerator="cpu"))
    assert f"Sample 'Few': row 1 is not predicted: {why}." in [each.message for each in seen.doubts]
