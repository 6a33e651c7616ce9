"""Every query against the same computed plainly on the same rows, in two shards, with failed rows and odd texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import Engine, Filter, Options, Results, Settings, Source
from engine.results.files import export_bytes, export_path, export_results, stream_export
from tests.conftest import Predicting
from tests.engine.making import write_model
from tests.million import CARD, CODE, MODEL, make_model, make_run
from tests.pool import open_engine

ROWS = 20_000


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("queries")
    models = (make_model(folder / "models"),)
    engine = open_engine(Settings(home=folder / "home", models=models, accelerator="cpu", shard_rows=12_000))
    run = make_run(engine, folder, ROWS)
    assert run.model_id == MODEL
    return engine.results(run.id)


@pytest.fixture(scope="module")
def whole(results: Results) -> pl.DataFrame:
    return results.scan().collect()


TEXTS = ("customer", "region", "outcome", "prediction", "status", "error")
C = pl.col
FILTERS = [
    (Filter("region", "in", ("south", "east")), C("region").is_in(["south", "east"])),
    (Filter("error", "in", (None,)), C("error").is_null()),
    (Filter("status", "in", ("failed",)), C("status") == "failed"),
    (Filter("late_payments", "in", (2, 3)), C("late_payments").is_in([2, 3])),
    (Filter("income", "between", (40, 60.5)), C("income").is_between(40, 60.5)),
    (Filter("income", "between", (None, 20)), C("income") <= 20),
    (Filter("confidence", "between", (0.9, None)), C("confidence") >= np.float32(0.9)),
    (Filter("confidence", "bin", (0.6, 0.7)), C("confidence").is_between(np.float32(0.6), np.float32(0.7), "left")),
    (Filter("customer", "contains", ("c-00012",)), C("customer").str.starts_with("C-00012")),
    (Filter("region", "contains", ("ÜBERS",)), C("region") == "Übersee"),
    (Filter("", "search", ("EAST",)), C("region") == "east"),
    (Filter("", "search", ("expected",)), pl.lit(False)),
    (Filter("", "search", (".*",)), pl.lit(False)),
    (Filter("prediction", "filled"), C("prediction").is_not_null()),
]


@pytest.mark.parametrize(("asked", "plainly"), FILTERS, ids=[f"{each.column}-{each.op}" for each, _ in FILTERS])
def test_filters(results: Results, whole: pl.DataFrame, asked: Filter, plainly: pl.Expr) -> None:
    expected = whole.filter(plainly)
    assert results.count([asked]) == expected.height
    assert results.page(3, 20, where=[asked]).equals(expected.slice(3, 20))
    both = [asked, Filter("debt", "between", (10, None))]
    assert results.count(both) == expected.filter(C("debt") >= 10).height


@pytest.mark.parametrize("column", ["row", "income", "late_payments", "region", "confidence", "error"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("offset", [0, 4_990, ROWS // 2, ROWS - 7, ROWS + 5])
def test_sorting_keeps_the_order_of_equals(
    results: Results, whole: pl.DataFrame, column: str, descending: bool, offset: int
) -> None:
    keys, order = ([column], [descending]) if column == "row" else ([column, "row"], [descending, False])
    expected = whole.sort(keys, descending=order, nulls_last=True).slice(offset, 20)
    found = results.page(offset, 20, sort=column, descending=descending, columns=["row", column])
    assert found.equals(expected.select(found.columns))


def test_counts_histograms_and_quantiles_of_a_choice(results: Results, whole: pl.DataFrame) -> None:
    where = [Filter("region", "in", ("south", "=islands"))]
    chosen = whole.filter(C("region").is_in(["south", "=islands"]))
    counts = results.value_counts("prediction", "outcome", where)
    expected = chosen.group_by("prediction", "outcome").len()
    assert {(a, b, n) for a, b, n in counts.iter_rows()} == set(expected.iter_rows())
    assert results.value_counts("region", limit=2).height == 2

    bins = results.histogram("probability_default", 20, where=where)
    edges = np.array([*bins["lo"], bins["hi"][-1]])
    assert np.allclose(np.diff(edges), 0.05)
    counted, _ = np.histogram(chosen["probability_default"].drop_nulls(), bins=np.float32(edges))
    assert bins["count"].to_list() == counted.tolist()
    for low, high, rows in bins.iter_rows():
        assert results.count([*where, Filter("probability_default", "bin", (low, high))]) == rows

    found = results.quantiles("debt", where)
    assert found["p25"] == pytest.approx(np.quantile(chosen["debt"], 0.25))
    assert found["mean"] == pytest.approx(chosen["debt"].mean())


def test_whole_numbers_have_whole_bins(results: Results, whole: pl.DataFrame) -> None:
    bins = results.histogram("late_payments")
    assert dict(zip(bins["lo"], bins["count"], strict=True)) == dict(
        whole.group_by("late_payments").len().sort("late_payments").iter_rows()
    )


def test_samples_and_spreads(results: Results, whole: pl.DataFrame) -> None:
    where = [Filter("region", "in", ("south",))]
    points = results.scatter("income", "confidence", "prediction", 500, where)
    south = whole.filter((C("region") == "south") & C("confidence").is_not_null())
    assert 250 < points.height <= 500
    assert set(points["row"]) <= set(south["row"])

    spreads = results.spreads("debt", "region")
    for region, middle in spreads.select("by", "p50").iter_rows():
        assert middle == pytest.approx(np.quantile(whole.filter(C("region") == region)["debt"], 0.5))
    assert spreads["count"].to_list() == sorted(spreads["count"], reverse=True)


def test_closest_calls_are_those_of_the_two_likeliest(predicting: Predicting, samples: Path) -> None:
    results = predicting.results("digits", [samples / "digits" / "samples" / "digits-in-folders.zip"])
    shares = {label: f"probability_{label}" for label in results.card.labels}
    found = results.closest_calls("prediction", shares, 5)
    whole = results.scan().collect()
    values = np.sort(whole.select(list(shares.values())).to_numpy(), axis=1)
    margins = values[:, -1] - values[:, -2]
    order = np.argsort(margins, kind="stable")[:5]
    assert found["row"].to_list() == whole["row"].gather(order).to_list()
    assert found["margin"].to_list() == pytest.approx(margins[order].tolist())
    names = np.array(list(shares))[np.argsort(whole.select(list(shares.values())).to_numpy(), axis=1)[order, -2]]
    assert found["second"].to_list() == names.tolist()


def test_series_that_move_most(predicting: Predicting, samples: Path) -> None:
    results = predicting.results("lorenz-state", [samples / "lorenz-state" / "samples" / "25-series.csv"])
    moved = results.movement("state_x", 6)
    whole = results.scan().collect().to_pandas()
    spans = whole.groupby("series", sort=False)["state_x"].agg(lambda x: x.max() - x.min()).nlargest(6)
    assert moved["series"].to_list() == list(spans.index)
    assert moved["moves"].to_list() == pytest.approx(spans.tolist())
    assert set(results.series(*moved["series"][:2])["series"]) == set(moved["series"][:2])


def test_numbers_that_no_card_describes_are_numbers(engine: Engine, predicting: Predicting, tmp_path: Path) -> None:
    """The label of a regression is plotted and sorted as a number; a file has its cells as they were."""
    frame = pl.read_csv(engine.sample_sources("diabetes-progression", "30 patients")[0].path, infer_schema=False)
    rows = frame.height
    odd = frame.with_columns(
        pl.Series("progression", [f"{number}.50" for number in range(rows)]),
        pl.Series("code", [f"{number:05d}" for number in range(rows)]),
        pl.Series("ward", ["7", "11", ""] * (rows // 3)),
        pl.Series("group", ["a", "b", "b"] * (rows // 3)),
    )
    odd.write_csv(tmp_path / "rows.csv")
    results = predicting.results("diabetes-progression", [tmp_path / "rows.csv"])
    columns = {column.name: column for column in results.columns}
    assert [columns[name].dtype for name in ("progression", "code", "ward", "group")] == [
        "number",
        "text",
        "integer",
        "text",
    ]
    assert (columns["group"].few, columns["code"].few) == (True, False)
    assert results.page(0, 1, sort="progression", descending=True)["progression"][0] == rows - 0.5
    assert results.count([Filter("ward", "between", (10, None))]) == rows // 3
    assert next(results.written(columns=["progression"]))["progression"].to_list() == odd["progression"].to_list()
    assert "progression" in next(view for view in results.views if type(view).__name__ == "Against").x


def test_a_label_of_classes_stays_a_name(engine: Engine, tmp_path: Path) -> None:
    """Where the model chooses between classes called 0 and 1, the label is a name and no number."""
    write_model(tmp_path / "models" / "m", CODE, {**CARD, "title": "M", "labels": ["0", "1"]}, -1.2)
    (tmp_path / "rows.csv").write_text("income,debt,late_payments,outcome\n10,2,0,1\n30,4,1,0\n")
    own = open_engine(Settings(home=tmp_path / "home", models=(tmp_path / "models",), accelerator="cpu"))
    run = own.check("m", [Source("rows.csv", tmp_path / "rows.csv")])
    own.submit(run.id, Options())
    own.wait(run.id)
    assert {c.name: c.dtype for c in own.results(run.id).columns}["outcome"] == "text"
    own.close()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_streamed_while_written_is_the_file(results: Results, suffix: str) -> None:
    where, columns = [Filter("region", "in", ("=islands",))], ["row", "region", "confidence"]
    path = export_path(results, suffix, where, columns)
    streamed = b"".join(stream_export(results, path, where, columns))
    written = export_results(results, path.with_name(f"again.{suffix}"), where, columns)
    assert streamed == path.read_bytes() == written.read_bytes()
    assert export_bytes(results, suffix, where, columns) == (len(streamed), True)
    assert not list(path.parent.glob("*.part*"))


def test_sizes_are_estimated_before_a_file_is_made(results: Results) -> None:
    where = [Filter("income", "between", (12, None))]
    about, counted = export_bytes(results, "csv", where)
    exact = export_results(results, export_path(results, "csv", where), where).stat().st_size
    assert not counted
    assert about == pytest.approx(exact, rel=0.02)


def test_a_download_given_up_leaves_nothing(results: Results) -> None:
    path = export_path(results, "csv", [Filter("row", "between", (2, None))])
    pieces = stream_export(results, path, [Filter("row", "between", (2, None))])
    next(pieces)
    pieces.close()
    assert not list(path.parent.glob("*.part*"))


def test_thumbnails_are_made_once(predicting: Predicting, samples: Path) -> None:
    results = predicting.results("cifar10", sorted((samples / "cifar10" / "samples").glob("*.jpg")))
    first = results.thumbnail(1)
    (kept,) = (results.folder.path / "thumbnails").rglob("*.webp")
    assert kept.read_bytes() == first
    kept.write_bytes(b"kept")
    assert results.thumbnail(1) == b"kept"
