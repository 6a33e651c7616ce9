"""Rows predicted at once are those of a run, bit for bit; what is wrong with them is said in the same sentences."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine import Engine, Report, Source
from engine.checkpoints.warm import load_model
from engine.errors import InputRefused, ReadError
from engine.prediction.single import MOST_ROWS, predict_now
from tests.conftest import Predicting

FILES = {
    "breast-cancer": "biopsies.csv",
    "cifar10": "cat.jpg",
    "diabetes-progression": "patients-with-outcome.csv",
    "digits": "digits-one-broken.zip",
    "digit-finder": "page.png",
    "digit-space": "digits-one-broken.zip",
    "el-nino": "sea-temperatures.csv",
    "languages": "sentences.csv",
    "lorenz-state": "6-series-one-short.csv",
    "yeast-genes": "genes.csv",
    "notes": "page.jpg",
    "penguins": "penguins.csv",
}
STEPS = {"lorenz-state": 20, "el-nino": 36}
AHEAD = {"el-nino": 12}


def sources_of(samples: Path, model_id: str) -> tuple[Source, ...]:
    path = samples / model_id / "samples" / FILES[model_id]
    return (Source(path.name, path),)


def one_item(samples: Path, model_id: str, folder: Path) -> Path:
    """The first row of the model's sample (its first series, its first picture) as a file of its own."""
    (source,) = sources_of(samples, model_id)
    if source.path.suffix == ".csv":
        frame = pl.read_csv(source.path, infer_schema=False)
        frame.head(STEPS.get(model_id, 1)).write_csv(folder / "one.csv")
        return folder / "one.csv"
    if source.path.suffix != ".zip":
        return source.path
    with zipfile.ZipFile(source.path) as archive:
        (folder / "one.png").write_bytes(archive.read(archive.namelist()[0]))
    return folder / "one.png"


def rows(engine: Engine, path: Path, **columns: list[str | None]) -> tuple[Report, pl.DataFrame]:
    """Valid rows of the diabetes model with other cells in some columns."""
    (source,) = engine.sample_sources("diabetes-progression", engine.samples("diabetes-progression")[0].title)
    count = len(next(iter(columns.values())))
    frame = pl.read_csv(source.path, infer_schema=False).head(count)
    frame.with_columns(pl.Series(name, cells, pl.String) for name, cells in columns.items()).write_csv(path)
    return engine.predict_now("diabetes-progression", (Source("typed.csv", path),))


@pytest.mark.parametrize("model_id", FILES)
def test_the_lines_are_those_of_the_run(predicting: Predicting, samples: Path, model_id: str) -> None:
    sources = sources_of(samples, model_id)
    run = predicting.results(model_id, [sources[0].path], on_error="report")
    report, lines = predicting.engine.predict_now(model_id, sources)
    assert_frame_equal(lines.drop(run.files), pl.concat(run.written()), check_exact=True)
    assert report == run.run.report


@pytest.mark.parametrize("model_id", FILES)
def test_one_row_alone_is_that_of_a_run_of_it(
    predicting: Predicting, samples: Path, tmp_path: Path, model_id: str
) -> None:
    path = one_item(samples, model_id, tmp_path)
    run = predicting.results(model_id, [path])
    _, lines = predicting.engine.predict_now(model_id, (Source(path.name, path),))
    assert lines.height == STEPS.get(model_id, 1) + AHEAD.get(model_id, 0)
    assert_frame_equal(lines.drop(run.files), pl.concat(run.written()), check_exact=True)


@pytest.mark.parametrize("model_id", FILES)
def test_one_row_alone_is_as_among_others(predicting: Predicting, samples: Path, tmp_path: Path, model_id: str) -> None:
    """A library may sum a batch of another size in another order: the last bits may differ, no more."""
    path = one_item(samples, model_id, tmp_path)
    _, alone = predicting.engine.predict_now(model_id, (Source(path.name, path),))
    _, among = predicting.engine.predict_now(model_id, sources_of(samples, model_id))
    among = among.filter(pl.col("series") == alone["series"][0]) if model_id in STEPS else among.head(1)
    numbers = [name for name, dtype in alone.schema.items() if pl.Float32 in (dtype, getattr(dtype, "inner", None))]
    assert numbers
    assert_frame_equal(alone.select(numbers), among.select(numbers), rel_tol=1e-5, abs_tol=1e-7)


def test_shuffled_series_come_back_in_the_order_of_the_file(
    predicting: Predicting, samples: Path, tmp_path: Path
) -> None:
    (source,) = sources_of(samples, "lorenz-state")
    frame = pl.read_csv(source.path, infer_schema=False).head(40)
    frame.sample(fraction=1, shuffle=True, seed=2).write_csv(tmp_path / "shuffled.csv")
    _, lines = predicting.engine.predict_now("lorenz-state", (Source("s.csv", tmp_path / "shuffled.csv"),))
    assert lines["row"].to_list() == list(range(1, 41))


def test_bad_cells_are_the_reports_sentences(engine: Engine, tmp_path: Path) -> None:
    report, lines = rows(engine, tmp_path / "x.csv", bmi=["21", "500", None, "obese"])
    assert lines["status"].to_list() == ["ok", "failed", "failed", "failed"]
    said = {problem.code: problem.message for problem in report.problems if problem.severity == "rows"}
    assert said == {
        "out-of-range": "Column 'bmi', row 2: found '500', expected 10 to 80 kg/m².",
        "missing-value": "Column 'bmi', row 3: the cell is empty, expected a number.",
        "not-a-number": "Column 'bmi', row 4: found 'obese', expected a number.",
    }
    assert lines["progression_estimate"].null_count() == 3


def test_not_one_good_row_is_a_line_too(engine: Engine, tmp_path: Path) -> None:
    report, lines = rows(engine, tmp_path / "x.csv", bmi=["500"])
    assert (report.n_rows, report.n_good) == (1, 0)
    assert lines["status"].to_list() == ["failed"]


def test_a_missing_column_leaves_no_lines(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("age\n50\n")
    report, lines = engine.predict_now("diabetes-progression", (Source("x.csv", tmp_path / "x.csv"),))
    assert report.fatal
    assert lines.is_empty()


def test_what_cannot_be_read_is_said(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(b"PK")
    with pytest.raises(ReadError, match="'.docx' files cannot be read"):
        engine.predict_now("diabetes-progression", (Source("x.docx", tmp_path / "x.docx"),))


def test_too_many_rows_are_refused(engine: Engine, tmp_path: Path) -> None:
    (source,) = engine.sample_sources("diabetes-progression", "30 patients")
    frame = pl.read_csv(source.path, infer_schema=False)
    pl.concat([frame] * 34).head(MOST_ROWS + 1).write_csv(tmp_path / "x.csv")
    with pytest.raises(InputRefused, match="There are 1,001 rows; at most 1,000 are predicted at once here"):
        engine.predict_now("diabetes-progression", (Source("x.csv", tmp_path / "x.csv"),))


def test_it_needs_no_engine_and_its_result_travels(engine: Engine, samples: Path, tmp_path: Path) -> None:
    entry = engine.model("breast-cancer")
    model = load_model(entry.usable_card(), entry.folder)
    sources = sources_of(samples, "breast-cancer")
    report, lines = predict_now(model, sources, engine.settings, tmp_path)
    again: tuple[Report, pl.DataFrame] = pickle.loads(pickle.dumps((report, lines)))
    assert again[0] == report
    assert_frame_equal(again[1], engine.predict_now("breast-cancer", sources)[1], check_exact=True)


def test_nothing_is_kept(engine: Engine, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    engine.predict_now("lorenz-state", sources_of(samples, "lorenz-state"))
    assert list((tmp_path / "scratch").iterdir()) == []
    assert engine.runs() == ()
