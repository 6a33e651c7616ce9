"""Embeddings: whole vectors in and out of every format, and maps and neighbours as scikit-learn finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from engine import EmbeddingEvaluation, Engine, Filter, Settings, alike, compare, evaluation_of, projection
from engine.checkpoints.warm import load_model
from engine.errors import CardError, ModuleProbeError, NotComparable
from engine.models.registry import ModelRegistry
from tests.engine.echoing import ECHO, predicted
from tests.engine.making import write_model
from tests.pool import open_engine

NAMES = ("a", "b", "c", "d")
CARD: dict[str, Any] = {
    "title": "Points",
    "task": "tabular-feature-extraction",
    "signature": [{"name": name} for name in NAMES],
    "dimensions": 4,
    "target": "kind",
}


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("embeddings")
    write_model(folder / "models" / "points", ECHO, CARD, 0.0)
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def points(rows: int = 60) -> tuple[np.ndarray, list[str]]:
    """Three clouds in four dimensions, and which one each point is of."""
    random = np.random.default_rng(0)
    kinds = np.arange(rows) % 3
    return (random.normal(0, 1, (rows, 4)) + 4 * np.eye(4)[kinds]).astype(np.float32), [f"k{kind}" for kind in kinds]


def test_maps_neighbours_and_labels_are_scikit_learns(echo: Engine, tmp_path: Path) -> None:
    x, kinds = points()
    table = pl.DataFrame(x, schema=list(NAMES)).with_columns(kind=pl.Series(kinds))
    results = predicted(echo, "points", table, tmp_path / "rows.csv")
    assert np.array_equal(results.page(0, 100)["embedding"].to_numpy(), x)
    found, pca = projection(results), PCA(2).fit(x.astype(np.float64))
    assert found is not None
    assert [found.first, found.second] == pytest.approx(pca.explained_variance_ratio_.tolist(), abs=1e-6)
    for name, expected in zip("xy", pca.transform(x.astype(np.float64)).T, strict=True):
        assert np.abs(found.points[name].to_numpy()) == pytest.approx(np.abs(expected), abs=1e-5)
    near, likeness = alike(results, 7), cosine_similarity(x[6:7], x)[0]
    assert near is not None
    order = [place for place in np.argsort(-likeness, kind="stable") if place != 6][:12]
    assert near.found["row"].to_list() == [place + 1 for place in order]
    assert near.rows == 59
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, EmbeddingEvaluation)
    figures = evaluation.figures()
    similar = cosine_similarity(x) - 3 * np.eye(len(x))
    wanted = np.mean([kinds[place] == kind for place, kind in zip(similar.argmax(1), kinds, strict=True)])
    assert figures is not None
    assert figures.nearest == pytest.approx(wanted)
    assert figures.per_label["label"].to_list() == ["k0", "k1", "k2"]
    with pytest.raises(NotComparable, match="spaces of their own"):
        compare(results, results)
    some = projection(results, (Filter("kind", "in", ("k1",)),))
    assert some is not None
    assert some.rows == 20


def test_files_hold_whole_vectors(echo: Engine, tmp_path: Path) -> None:
    x, _ = points(3)
    table = pl.DataFrame(x, schema=list(NAMES)).with_columns(a=pl.Series([x[0, 0], None, x[2, 0]], dtype=pl.Float32))
    results = predicted(echo, "points", table, tmp_path / "rows.csv")
    files = {suffix: echo.export(results.run.id, suffix) for suffix in ("csv", "jsonl", "parquet", "xlsx")}
    sheet = openpyxl.load_workbook(files["xlsx"]).active
    assert sheet is not None
    place = [cell.value for cell in sheet[1]].index("embedding")
    cells = [line[place] for line in sheet.iter_rows(2, values_only=True)]
    found = {
        "csv": [cell and json.loads(cell) for cell in pl.read_csv(files["csv"])["embedding"]],
        "jsonl": [json.loads(line)["embedding"] for line in files["jsonl"].read_text().splitlines()],
        "parquet": pl.read_parquet(files["parquet"])["embedding"].to_list(),
        "xlsx": [cell and json.loads(str(cell)) for cell in cells],
    }
    for suffix, vectors in found.items():
        assert vectors[1] is None, suffix
        assert [vectors[0], vectors[2]] == [pytest.approx(x[place].tolist(), abs=1e-6) for place in (0, 2)], suffix
    assert pl.read_parquet(files["parquet"])["embedding"].dtype == pl.Array(pl.Float32, 4)
    assert alike(results, 2) is None


def test_a_figure_that_is_none_costs_its_row(echo: Engine, tmp_path: Path) -> None:
    x, _ = points(3)
    table = pl.DataFrame(x, schema=list(NAMES)).with_columns(a=pl.Series([1.0, 1e39, 2.0]))
    lines = predicted(echo, "points", table, tmp_path / "rows.csv").page(0, 10)
    assert lines["status"].to_list() == ["ok", "failed", "ok"]
    assert "not a finite number" in lines["error"][1]
    assert lines["embedding"].null_count() == 1


@pytest.mark.parametrize(
    ("dimensions", "error", "words"),
    [(None, CardError, "key 'dimensions' is missing"), (3, ModuleProbeError, "gives .4. for a row; the card says")],
)
def test_cards_that_do_not_fit(tmp_path: Path, dimensions: int | None, error: type[Exception], words: str) -> None:
    write_model(tmp_path / "points", ECHO, {**CARD, "dimensions": dimensions}, 0.0)
    with pytest.raises((error, CardError), match=words):
        load_model(ModelRegistry([tmp_path]).entry("points").usable_card(), tmp_path / "points")
