"""What becomes of a prediction without a part of its row: patches of pictures, words of texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from engine import Engine, Passage, Patch, Source, heat, influences
from engine.cards.parts import ImageInput
from engine.checkpoints.warm import load_model
from engine.ingest.table import PIXELS
from engine.prediction import single
from engine.tasks.picture_parts import patches, without_patch
from engine.tasks.text_parts import MOST_PASSAGES, passages, without_passage
from tests.conftest import Predicting


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a good  film.", ["a", "good", "film."]),
        ("夏目漱石 Tokyo", ["夏", "目", "漱", "石", "Tokyo"]),
        ("alone", []),
        (" ", []),
        ("word " * 1_000, ["word word word word word word word word word word word"] * 90 + [" ".join(["word"] * 10)]),
    ],
)
def test_a_text_has_its_words_as_parts(text: str, words: list[str]) -> None:
    found = sorted(passages({"text": text}), key=lambda part: part.start)
    assert [text[part.start : part.stop] for part in found] == words
    assert len(found) <= MOST_PASSAGES


def test_a_word_goes_with_the_space_behind_it() -> None:
    row = pa.table({"id": [7], "text": ["so good a film"]})
    left = [without_passage(row, part).to_pylist()[0] for part in passages({"text": "so good a film"})]
    assert sorted(line["text"] for line in left) == ["good a film", "so a film", "so good a", "so good film"]
    assert all(line["id"] == 7 for line in left)


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (3, 64), (2, 2), (1, 5)])
def test_patches_cover_the_picture_and_nothing_else_is_painted(size: tuple[int, int]) -> None:
    image = ImageInput(size=size, channels=3)
    pixels = np.random.default_rng(0).integers(0, 255, (3, *size), np.uint8)
    row = pa.table({"file": ["a.png"], PIXELS: pa.array([pixels.tobytes()], pa.binary(pixels.size))})
    covered = np.zeros(size, int)
    for part in patches(image):
        painted = without_patch(row, part, image).column(PIXELS)[0].as_py()
        left = np.frombuffer(painted, np.uint8).reshape(pixels.shape)
        changed = (left != pixels).any(axis=0)
        covered += changed
        assert (left[:, changed] == pixels.mean(axis=(1, 2)).round()[:, None]).all()
        assert changed.sum() <= (part.right - part.left) * (part.bottom - part.top) * changed.size + 0.5
    assert (covered > 0).all() or min(size) < 2


def test_of_very_large_pictures_there_are_fewer_patches() -> None:
    assert [len(patches(ImageInput(size=(side, side)))) for side in (224, 1024, 2048, 20_000)] == [81, 81, 16, 0]


def test_a_cell_has_the_mean_of_the_patches_over_it() -> None:
    found = [(Patch(0, 0, 0.5, 1), 1.0), (Patch(0.25, 0, 0.75, 1), 0.0)]
    assert heat(found) == (
        (Patch(0, 0, 0.25, 1), 1.0),
        (Patch(0.25, 0, 0.5, 1), 0.5),
        (Patch(0.5, 0, 0.75, 1), 0.0),
    )
    assert heat([]) == ()


def test_a_text_is_predicted_without_each_of_its_words(predicting: Predicting, tmp_path: Path) -> None:
    engine, path = predicting.engine, tmp_path / "texts.csv"
    pl.DataFrame({"text": ["Où est la gare?", "Das ist the weather in London today"]}).write_csv(path)
    results = predicting.results("languages", [path])
    parts, lines = engine.predict_without(results.run.id, 2)
    texts = [results.page(1, 1)["text"][0], *lines["text"][1:]]
    assert lines["text"].to_list() == texts
    pl.DataFrame({"text": texts}).write_csv(path)
    _, expected = engine.predict_now("languages", [Source("texts.csv", path)])
    shares = [name for name in expected.columns if name.startswith("probability_")]
    assert np.allclose(lines.select(shares), expected.select(shares), atol=1e-6)
    first, *_ = influences(parts, lines, "probability_English")
    assert isinstance(first[0], Passage)
    assert first[1] > 0


def test_a_picture_is_predicted_without_each_of_its_patches(predicting: Predicting, samples: Path) -> None:
    path = next((samples / "digits" / "samples").glob("digits-in-folders.zip"))
    results = predicting.results("digits", [path])
    parts, lines = predicting.engine.predict_without(results.run.id, 3)
    line = results.page(2, 1)
    assert len(lines) == len(parts) + 1
    assert lines["confidence"][0] == pytest.approx(line["confidence"][0], abs=1e-5)
    assert max(abs(change) for _, change in heat(influences(parts, lines, f"probability_{line['prediction'][0]}"))) > 0


def test_rows_of_tables_have_no_such_parts(predicting: Predicting, samples: Path) -> None:
    results = predicting.results("penguins", [samples / "penguins" / "samples" / "penguins.csv"])
    assert predicting.engine.predict_without(results.run.id, 1)[0] == ()


def test_a_slow_model_is_asked_for_less(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "_SECONDS_FOR_PARTS", 0.0)
    entry = engine.model("languages")
    model, row = load_model(entry.usable_card(), entry.folder), pa.table({"text": ["so " * 40]})
    parts = passages({"text": "so " * 40})
    assert len(single.predict_without(model, row, parts, tmp_path, accelerator="cpu")) == single._PARTS_AT_ONCE
