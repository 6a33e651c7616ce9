"""Results and their files: pages, bins and samples are what the whole would give; files hold what was predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import polars as pl
import pytest

from engine import Engine, Filter, Results, Settings, Source
from engine.errors import ExportError, RunNotFound, RunStateError
from engine.results.files import FORMATS, export_results, harmless
from tests.conftest import Predicting
from tests.pool import open_engine


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("results")
    engine = open_engine(Settings(home=folder / "home", accelerator="cpu", shard_rows=40))
    return Predicting(engine).results(
        "breast-cancer", [engine.sample_sources("breast-cancer", "114 biopsies with their diagnosis")[0].path]
    )


@pytest.fixture(scope="module")
def whole(results: Results) -> pl.DataFrame:
    return results.scan().collect()


def test_columns_know_their_role(results: Results) -> None:
    roles = {column.name: column.role for column in results.columns}
    assert roles["row"] == "row"
    assert roles["biopsy"] == "extra"
    assert roles["mean_radius"] == "input"
    assert roles["diagnosis"] == "label"
    assert roles["probability_benign"] == "prediction"
    assert roles["status"] == roles["error"] == "status"


def test_pages_are_slices_of_the_whole(results: Results, whole: pl.DataFrame) -> None:
    assert results.n_rows == whole.height == 114
    assert results.page(35, 10).equals(whole.slice(35, 10))
    by_confidence = whole.sort("confidence", "row")
    assert results.page(0, 7, sort="confidence")["row"].to_list() == by_confidence["row"][:7].to_list()
    assert results.page(0, 3, descending=True)["row"].to_list() == [114, 113, 112]


def test_filters(results: Results, whole: pl.DataFrame) -> None:
    benign = Filter("prediction", "in", ("benign",))
    sure = Filter("confidence", "between", (0.9, 1.0))
    expected = whole.filter((pl.col("prediction") == "benign") & pl.col("confidence").is_between(0.9, 1.0))
    assert results.count([benign, sure]) == expected.height
    assert (
        results.count([Filter("biopsy", "contains", ("0001",))])
        == whole.filter(pl.col("biopsy").str.contains("0001")).height
    )


def test_bins_hold_every_line_once_and_can_be_asked_for(results: Results, whole: pl.DataFrame) -> None:
    bins = results.histogram("mean_radius", bins=12)
    edges = np.array([*bins["lo"], bins["hi"][-1]])
    assert np.allclose(np.diff(edges), 2)  # of round width
    counts, _ = np.histogram(whole["mean_radius"], bins=edges)
    assert bins["count"].to_list() == counts.tolist()
    for low, high, count in bins.iter_rows():
        assert results.count([Filter("mean_radius", "bin", (low, high))]) == count
    by_class = results.histogram("confidence", bins=5, by="prediction")
    assert by_class["count"].sum() == 114
    assert by_class.columns == ["lo", "hi", "by", "count"]


def test_quantiles_counts_and_samples(results: Results, whole: pl.DataFrame) -> None:
    assert results.quantiles("mean_area")["p50"] == pytest.approx(np.quantile(whole["mean_area"], 0.5))
    assert results.value_counts("prediction")["count"].sum() == 114
    sample = results.scatter("mean_radius", "confidence", "prediction", limit=20)
    assert 10 <= sample.height <= 20
    assert sample.columns == ["row", "x", "y", "color"]


def test_views_and_headline_name_columns_that_are_there(results: Results) -> None:
    names = {column.name for column in results.columns}
    assert [type(view).__name__ for view in results.views] == [
        "ClassBalance",
        "Confidence",
        "Threshold",
        "Review",
        "Against",
    ]
    assert results.headline()[0].label == "Most frequent class"
    assert {view.column for view in results.views if hasattr(view, "column")} <= names


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_every_format_holds_every_line(results: Results, whole: pl.DataFrame, tmp_path: Path, suffix: str) -> None:
    path = export_results(results, tmp_path / f"out.{suffix}")
    found = {
        "csv": lambda: pl.read_csv(path, schema_overrides=dict(whole.schema)),
        "parquet": lambda: pl.read_parquet(path),
        "jsonl": lambda: pl.read_ndjson(path, schema_overrides=dict(whole.schema)),
        "xlsx": lambda: _sheet(path),
    }[suffix]()
    assert set(found.columns) == set(whole.columns)
    assert found["biopsy"].to_list() == whole["biopsy"].to_list()
    assert found["confidence"].cast(pl.Float32).to_list() == whole["confidence"].to_list()


def _sheet(path: Path) -> pl.DataFrame:
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    return pl.DataFrame(rows[1:], schema=list(rows[0]), orient="row", strict=False)  # type: ignore[arg-type]


def test_an_unknown_format_names_the_nearest(results: Results, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Did you mean .parquet"):
        export_results(results, tmp_path / "out.parqet")


def test_threat_16_no_cell_is_run_by_a_spreadsheet() -> None:
    cells = ["=1+1", "+cmd", "-2+3", "@SUM", "\tx", "-12.5", "+3", "-1e-5", "plain", "1e-5"]
    found = harmless(pl.DataFrame({"=evil": cells}))
    assert found.columns == ["'=evil"]
    assert found.to_series().to_list() == [
        "'=1+1",
        "'+cmd",
        "'-2+3",
        "'@SUM",
        "'\tx",
        "-12.5",
        "+3",
        "-1e-5",
        "plain",
        "1e-5",
    ]


def test_threat_16_in_the_files_themselves(predicting: Predicting, tmp_path: Path) -> None:
    source = predicting.engine.sample_sources("diabetes-progression", "30 patients")[0]
    frame = pl.read_csv(source.path, infer_schema=False).with_columns(pl.lit("=HYPERLINK(1)").alias("patient"))
    frame.write_csv(tmp_path / "rows.csv")
    run = predicting.run("diabetes-progression", [tmp_path / "rows.csv"])
    assert "'=HYPERLINK(1)" in predicting.engine.export(run.id, "csv").read_text()
    sheet = openpyxl.load_workbook(predicting.engine.export(run.id, "xlsx")).active
    assert sheet is not None
    assert sheet["B2"].data_type == "s"
    assert pl.read_parquet(predicting.engine.export(run.id, "parquet"))["patient"][0] == "=HYPERLINK(1)"


def test_pictures_come_back(predicting: Predicting, samples: Path) -> None:
    photos = sorted((samples / "cifar10" / "samples").glob("*.jpg"))
    found = predicting.results("cifar10", photos)
    assert found.image(1) == (photos[0].read_bytes(), "image/jpeg")
    assert found.thumbnail(2)[8:12] == b"WEBP"
    with pytest.raises(RunStateError, match="There is no picture 9"):
        found.image(9)


def test_runs_outlive_the_engine_that_made_them(engine: Engine, predicting: Predicting, samples: Path) -> None:
    run = predicting.run("digits", [samples / "digits" / "samples" / "digits-in-folders.zip"])
    again = open_engine(engine.settings)
    assert [found.id for found in again.runs()] == [run.id]
    assert again.run(run.id).state == "done"
    assert again.results(run.id).count() == 60
    assert again.download_name(run.id, "csv") == "digits_digits-in-folders.csv"
    again.delete(run.id)
    with pytest.raises(RunNotFound):
        again.run(run.id)


@pytest.mark.parametrize("run_id", ["../../etc", "", "a" * 26, "A" * 26])
def test_run_ids_are_no_paths(engine: Engine, run_id: str) -> None:
    with pytest.raises(RunNotFound):
        engine.run(run_id)


def test_results_before_there_are_any(engine: Engine, samples: Path) -> None:
    path = samples / "diabetes-progression" / "samples" / "patients.csv"
    run = engine.check("diabetes-progression", [Source("patients.csv", path)])
    with pytest.raises(RunStateError, match="has no results yet: it is checked"):
        engine.results(run.id)


def test_cancelling_stops_a_run(engine: Engine, tmp_path: Path) -> None:
    frame = pl.read_csv(engine.sample_sources("diabetes-progression", "30 patients")[0].path, infer_schema=False)
    pl.concat([frame] * 3_000).write_csv(tmp_path / "rows.csv")
    from engine import Options

    run = engine.check("diabetes-progression", [Source("rows.csv", tmp_path / "rows.csv")])
    engine.submit(run.id, Options(batch_size=10))
    engine.cancel(run.id)
    ended = engine.wait(run.id)
    assert ended.state == "cancelled"
    assert ended.rows_done < ended.rows_total
    assert not list((ended.folder / "shards").glob("*.part"))
