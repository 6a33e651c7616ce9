"""Every figure of an evaluation is scikit-learn's on the same rows, whichever are chosen and whatever they lack."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from engine import ClassEvaluation, Engine, Filter, Results, Settings, ValueEvaluation, evaluation_of
from engine.evaluation import areas
from engine.evaluation.judging import class_curve, class_figures
from engine.evaluation.labels import class_of
from engine.settings import BUNDLED_MODELS
from tests.conftest import Predicting
from tests.engine.echoing import classes_model, predicted, values_model
from tests.pool import open_engine

TWO, FOUR = ("no", "yes"), ("red", "green", "blue", "grey")
NEAR = 2e-6
SOME = (Filter("logit_0", "between", (-0.7, 1.6)),)
LARGE = (Filter("x", "between", (4.5, 8.0)),)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("evaluation")
    classes_model(folder / "models" / "two", TWO)
    classes_model(folder / "models" / "four", FOUR)
    classes_model(folder / "models" / "codes", ("0", "1"))
    values_model(folder / "models" / "values")
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def classified(labels: Sequence[str], rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Logits that are often right, their labels, and columns to choose rows by."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(labels), rows)
    logits = random.normal(0, 1, (rows, len(labels)))
    logits[np.arange(rows), truth] += 1.2
    columns = {f"logit_{number}": logits[:, number].astype(np.float32) for number in range(len(labels))}
    return pl.DataFrame({**columns, "truth": [labels[place] for place in truth], "place": np.arange(rows)})


def judged(results: Results) -> ClassEvaluation:
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, ClassEvaluation)
    return evaluation


def valued(results: Results) -> ValueEvaluation:
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, ValueEvaluation)
    return evaluation


def good_lines(results: Results, labels: Sequence[str], where: Sequence[Filter] = ()) -> pl.DataFrame:
    """The lines that count, found without the engine's own ways of finding them."""
    lines = results.scan().collect()
    for each in where:
        lines = lines.filter(each.expression())
    return lines.filter((pl.col("status") == "ok") & pl.col("truth").is_in(list(labels)))


def check_classes(results: Results, labels: Sequence[str], where: Sequence[Filter] = ()) -> None:
    """All figures against scikit-learn's."""
    evaluation, lines = judged(results), good_lines(results, labels, where)
    figures = evaluation.figures(where)
    assert figures is not None
    truth, found = lines["truth"].to_numpy(), lines["prediction"].to_numpy()
    shares = lines.select(f"probability_{label}" for label in labels).to_numpy()
    present = sorted({*truth}, key=labels.index)
    assert figures.used.rows == len(lines)
    assert figures.accuracy == pytest.approx(metrics.accuracy_score(truth, found), rel=NEAR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of predicted classes that are no label
        balanced = metrics.balanced_accuracy_score(truth, found)
    assert figures.balanced_accuracy == pytest.approx(balanced, rel=NEAR)
    assert figures.macro_f1 == pytest.approx(metrics.f1_score(truth, found, average="macro"), rel=NEAR)
    one_hot = truth[:, None] == np.array(labels)[None]
    loss = metrics.log_loss(one_hot.argmax(1), shares, labels=range(len(labels)))
    assert figures.log_loss == pytest.approx(loss, rel=1e-5)
    assert np.array_equal(figures.confusion, metrics.confusion_matrix(truth, found, labels=list(labels)))
    check_per_class(figures.per_class, truth, found, labels)
    areas = [
        metrics.roc_auc_score(one_hot[:, place], shares[:, place])
        for place, label in enumerate(labels)
        if label in present
    ]
    assert figures.auroc == pytest.approx(np.mean(areas), rel=1e-5)
    check_calibration(evaluation, lines, truth == found, where)
    for label in present:
        check_curve(evaluation, label, truth == label, lines[f"probability_{label}"].to_numpy(), where)


def check_per_class(per_class: pl.DataFrame, truth: np.ndarray, found: np.ndarray, labels: Sequence[str]) -> None:
    expected = metrics.precision_recall_fscore_support(truth, found, labels=list(labels), zero_division=np.nan)
    for name, figures in zip(("precision", "recall"), expected, strict=False):
        assert np.allclose(per_class[name].fill_null(np.nan).to_numpy(), figures, rtol=NEAR, equal_nan=True), name
    f1 = np.where(np.isin(labels, [*truth, *found]), np.nan_to_num(expected[2]), -1)
    assert np.allclose(per_class["f1"].fill_null(-1).to_numpy(), f1, rtol=NEAR)
    assert per_class["rows"].to_list() == expected[3].tolist()


def check_calibration(
    evaluation: ClassEvaluation, lines: pl.DataFrame, hits: np.ndarray, where: Sequence[Filter]
) -> None:
    sure = lines["confidence"].to_numpy().astype(np.float64)
    accuracy, confidence = calibration_curve(hits, sure, n_bins=15)
    bins = evaluation.calibration(where)
    assert np.allclose(bins["accuracy"].to_numpy(), accuracy, rtol=1e-5)
    assert np.allclose(bins["confidence"].to_numpy(), confidence, rtol=1e-5)
    figures = evaluation.figures(where)
    assert figures is not None
    expected = np.average(np.abs(accuracy - confidence), weights=bins["rows"].to_numpy())
    assert figures.calibration_error == pytest.approx(expected, abs=1e-6)


def check_curve(
    evaluation: ClassEvaluation, label: str, hits: np.ndarray, shares: np.ndarray, where: Sequence[Filter]
) -> None:
    curve = evaluation.curve(label, where)
    assert curve is not None
    assert (curve.positives, curve.negatives, curve.exact) == (hits.sum(), (~hits).sum(), True)
    assert curve.auroc == pytest.approx(metrics.roc_auc_score(hits, shares), rel=1e-5)
    assert curve.average_precision == pytest.approx(metrics.average_precision_score(hits, shares), rel=1e-5)
    fpr, recall, thresholds = metrics.roc_curve(hits, shares, drop_intermediate=False)
    assert np.allclose(curve.points["fpr"], fpr, rtol=NEAR)
    assert np.allclose(curve.points["recall"], recall, rtol=NEAR)
    assert np.allclose(curve.points["threshold"][1:], thresholds[1:])
    precision, _, rising = metrics.precision_recall_curve(hits, shares)
    assert np.allclose(curve.points["precision"][1:].reverse(), precision[:-1], rtol=NEAR)
    assert np.allclose(curve.points["threshold"][1:].reverse(), rising)
    for threshold in (0.0, 0.31, 0.5, 0.87, 1.0):
        point, taken = curve.at(threshold), shares >= threshold
        counts = point.rejected, point.false_alarms, point.missed, point.found
        assert counts == tuple(metrics.confusion_matrix(hits, taken, labels=[False, True]).ravel())
        assert point.precision == pytest.approx(metrics.precision_score(hits, taken, zero_division=1), rel=NEAR)
    for ratio in (0.1, 1, 25):
        costs = [ratio * (hits & (shares < each)).sum() + (~hits & (shares >= each)).sum() for each in (*shares, 2)]
        best = curve.best(ratio)
        assert ratio * best.missed + best.false_alarms == pytest.approx(min(costs))


@pytest.mark.parametrize("where", [(), SOME], ids=["all rows", "a filter"])
@pytest.mark.parametrize(("model", "labels"), [("two", TWO), ("four", FOUR)], ids=["two classes", "four classes"])
def test_classes(echo: Engine, tmp_path: Path, model: str, labels: Sequence[str], where: Sequence[Filter]) -> None:
    check_classes(predicted(echo, model, classified(labels), tmp_path / "rows.csv"), labels, where)


@pytest.mark.parametrize(("model", "labels"), [("two", TWO), ("four", FOUR)], ids=["two classes", "four classes"])
def test_rows_that_cannot_be_judged_are_left_out_and_counted(
    echo: Engine, tmp_path: Path, model: str, labels: Sequence[str]
) -> None:
    rows = classified(labels).with_columns(
        pl.when(pl.col("place") % 20 == 3).then(None).otherwise("logit_0").alias("logit_0"),
        pl.when(pl.col("place") % 25 == 0).then(pl.lit(""))
        .when(pl.col("place") % 40 == 7).then(pl.lit("ultraviolet"))
        .otherwise("truth").alias("truth"),
    )  # fmt: skip
    results = predicted(echo, model, rows, tmp_path / "rows.csv")
    used = judged(results).used()
    assert (used.failed, used.unlabelled, used.unknown, used.undefined) == (20, 16, 10, 0)
    assert used.names == ("ultraviolet",)
    assert used.rows == 400 - used.left_out
    check_classes(results, labels)


def test_a_class_that_is_no_label_counts_as_scikit_learn_counts_it(echo: Engine, tmp_path: Path) -> None:
    rows = classified(FOUR).filter(pl.col("truth") != "blue")
    results = predicted(echo, "four", rows, tmp_path / "rows.csv")
    assert "blue" in results.scan().collect()["prediction"].to_list()
    check_classes(results, FOUR)
    assert judged(results).curve("blue") is None


def test_a_class_that_occurs_nowhere(echo: Engine, tmp_path: Path) -> None:
    rows = classified(FOUR).filter(pl.col("truth") != "grey").with_columns(logit_3=pl.lit(-50.0, pl.Float32))
    results = predicted(echo, "four", rows, tmp_path / "rows.csv")
    check_classes(results, FOUR)
    figures = judged(results).figures()
    assert figures is not None
    assert figures.per_class.row(3) == ("grey", 0, 0, None, None, None)


def test_one_class_alone_has_figures_and_no_curve(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "two", classified(TWO).filter(pl.col("truth") == "yes"), tmp_path / "rows.csv")
    evaluation = judged(results)
    figures = evaluation.figures()
    assert figures is not None
    share = results.scan().collect()["prediction"].eq("yes").mean()
    assert figures.accuracy == figures.balanced_accuracy == pytest.approx(share)
    assert figures.auroc is None
    assert evaluation.curve("yes") is None


@pytest.mark.parametrize("cells", [[0, 1], [0.0, 1.0], ["0", " 1 "], ["0.0", "1.0"], [False, True]], ids=str)
def test_labels_that_are_numbers_are_matched_however_they_are_written(
    echo: Engine, tmp_path: Path, cells: list[object]
) -> None:
    rows = classified(("0", "1"))
    written = [cells[int(label)] for label in rows["truth"]]
    expected = judged(predicted(echo, "codes", rows, tmp_path / "text.csv")).figures()
    other = judged(predicted(echo, "codes", rows.with_columns(truth=pl.Series(written)), tmp_path / "typed.parquet"))
    figures = other.figures()
    assert expected is not None
    assert figures is not None
    assert figures.used.rows == 400
    assert figures.confusion == expected.confusion


def test_a_cell_of_the_matrix_is_a_filter(echo: Engine, tmp_path: Path) -> None:
    rows = classified(TWO).with_columns(
        truth=pl.when(pl.col("place") % 2 == 0).then(pl.col("truth").str.to_uppercase()).otherwise("truth")
    )
    results = predicted(echo, "two", rows, tmp_path / "rows.csv")
    evaluation = judged(results)
    figures = evaluation.figures()
    assert figures is not None
    for place, label in enumerate(TWO):
        assert results.count(evaluation.cell(label)) == sum(figures.confusion[place])
        for other, prediction in enumerate(TWO):
            assert results.count(evaluation.cell(label, prediction)) == figures.confusion[place][other]


def test_more_rows_than_memory_holds_are_binned(echo: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "MOST_EXACT", 100)
    results = predicted(echo, "two", classified(TWO), tmp_path / "rows.csv")
    evaluation, lines = judged(results), good_lines(results, TWO)
    curve = class_curve(evaluation, label="yes")
    assert curve is not None
    assert not curve.exact
    hits, shares = (lines["truth"] == "yes").to_numpy(), lines["probability_yes"].to_numpy()
    assert curve.auroc == pytest.approx(metrics.roc_auc_score(hits, shares), abs=2e-3)
    figures = class_figures(evaluation)
    assert figures is not None
    assert figures.auroc == pytest.approx(curve.auroc)


def test_many_thresholds_are_thinned_without_losing_the_way(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "two", classified(TWO, rows=20_000), tmp_path / "rows.csv")
    lines, curve = good_lines(results, TWO), judged(results).curve("yes")
    assert curve is not None
    assert len(curve.points) <= 2_001
    hits, shares = (lines["truth"] == "yes").to_numpy(), lines["probability_yes"].to_numpy()
    for threshold in (0.2, 0.5, 0.9):
        point = curve.at(threshold)
        assert point.recall == pytest.approx((shares[hits] >= threshold).mean(), abs=1e-3)
        assert point.false_positive_rate == pytest.approx((shares[~hits] >= threshold).mean(), abs=1e-3)


def test_rows_that_are_all_alike(echo: Engine, tmp_path: Path) -> None:
    rows = classified(TWO, 10).with_columns(logit_0=pl.lit(0.3, pl.Float32), logit_1=pl.lit(0.1, pl.Float32))
    check_classes(predicted(echo, "two", rows, tmp_path / "rows.csv"), TWO)


def test_no_labels_no_evaluation(echo: Engine, tmp_path: Path) -> None:
    assert evaluation_of(predicted(echo, "two", classified(TWO).drop("truth"), tmp_path / "rows.csv")) is None


def test_labels_of_which_none_is_known(echo: Engine, tmp_path: Path) -> None:
    rows = classified(TWO).with_columns(truth=pl.lit("perhaps"))
    evaluation = judged(predicted(echo, "two", rows, tmp_path / "rows.csv"))
    assert evaluation.used().unknown == 400
    assert evaluation.figures() is None
    assert evaluation.curve("yes") is None
    assert evaluation.calibration().is_empty()


def measured(rows: int = 400, scale: float = 1.0, offset: float = 5.0) -> pl.DataFrame:
    random = np.random.default_rng(1)
    truth = offset + scale * random.normal(size=rows)
    x = (truth + 0.3 * scale * random.normal(size=rows)).astype(np.float32)
    kind = [("a", "b", "c")[place % 3] for place in range(rows)]
    return pl.DataFrame({"x": x, "truth": truth, "place": np.arange(rows), "kind": kind})


def check_values(results: Results, where: Sequence[Filter] = ()) -> None:
    figures = valued(results).figures("y", where)
    lines = results.scan(where).collect().with_columns(pl.col("truth").cast(pl.Float64, strict=False))
    lines = lines.filter((pl.col("status") == "ok") & pl.col("truth").is_finite())
    truth, found = lines["truth"].to_numpy(), lines["y"].to_numpy().astype(np.float64)
    assert figures is not None
    assert figures.used.rows == len(lines)
    assert figures.rmse == pytest.approx(metrics.root_mean_squared_error(truth, found), rel=NEAR)
    assert figures.mae == pytest.approx(metrics.mean_absolute_error(truth, found), rel=NEAR)
    assert figures.r2 == pytest.approx(metrics.r2_score(truth, found), rel=NEAR)
    assert figures.mape == (
        pytest.approx(metrics.mean_absolute_percentage_error(truth, found), rel=NEAR) if truth.all() else None
    )


@pytest.mark.parametrize("where", [(), LARGE], ids=["all rows", "a filter"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_values(echo: Engine, tmp_path: Path, suffix: str, where: Sequence[Filter]) -> None:
    check_values(predicted(echo, "values", measured(), tmp_path / f"rows{suffix}"), where)


@pytest.mark.parametrize("scale", [1e-5, 1e5])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_values_of_any_size(echo: Engine, tmp_path: Path, scale: float, offset: float) -> None:
    """Labels of a millionth have figures as good as labels of a million."""
    check_values(predicted(echo, "values", measured(100, scale, offset * scale), tmp_path / "rows.parquet"))


def test_values_that_cannot_be_judged_are_left_out_and_counted(echo: Engine, tmp_path: Path) -> None:
    rows = measured().with_columns(
        pl.when(pl.col("place") % 20 == 3).then(None).otherwise("x").alias("x"),
        pl.when(pl.col("place") % 25 == 0).then(pl.lit(" "))
        .when(pl.col("place") % 40 == 7).then(pl.lit("a lot"))
        .when(pl.col("place") % 50 == 9).then(pl.lit("0"))
        .otherwise(pl.col("truth").cast(pl.String)).alias("truth"),
    )  # fmt: skip
    results = predicted(echo, "values", rows, tmp_path / "rows.csv")
    used = valued(results).used("y")
    assert (used.failed, used.unlabelled, used.unknown, used.names) == (20, 16, 10, ("a lot",))
    check_values(results)
    figures = valued(results).figures("y")
    assert figures is not None
    assert figures.mape is None


def test_one_value_has_no_r2(echo: Engine, tmp_path: Path) -> None:
    figures = valued(predicted(echo, "values", measured(1), tmp_path / "rows.csv")).figures("y")
    assert figures is not None
    assert figures.r2 is None
    assert figures.rmse == pytest.approx(figures.mae)


def test_parity_and_residuals(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "values", measured(), tmp_path / "rows.parquet")
    evaluation, lines = valued(results), results.scan().collect()
    parity = evaluation.parity("y", limit=50)
    assert parity["row"].to_list() == list(range(1, 401, 8))
    assert parity["label"].to_list() == lines["truth"].gather_every(8).to_list()
    residuals = evaluation.residuals("y", "place", limit=1_000)
    assert residuals["x"].to_list() == list(range(400))
    assert np.allclose(residuals["residual"], lines["truth"] - lines["y"])
    spread = evaluation.residual_spread("y", "kind", LARGE)
    large = lines.filter(LARGE[0].expression()).with_columns(residual=pl.col("truth") - pl.col("y"))
    for kind, rows, p05, _, p50, *_ in spread.iter_rows():
        expected = large.filter(pl.col("kind") == kind)["residual"].to_numpy()
        assert rows == len(expected)
        assert (p05, p50) == pytest.approx(tuple(np.quantile(expected, [0.05, 0.5])))


@pytest.mark.parametrize("model", ["breast-cancer", "diabetes-progression", "digits"])
def test_the_cards_say_the_same(predicting: Predicting, model: str) -> None:
    """The samples with labels are the data held out when the models were trained, whole or a part of it."""
    titles = {"breast-cancer": 1, "diabetes-progression": 1, "digits": 0}
    entry = predicting.engine.model(model)
    sample = entry.usable_card().samples[titles[model]]
    results = predicting.results(model, [BUNDLED_MODELS / model / file for file in sample.files])
    evaluation = evaluation_of(results)
    stated = {figure.name: figure.value for figure in entry.usable_card().figures}
    if isinstance(evaluation, ValueEvaluation):
        values = evaluation.figures("progression_estimate")
        assert values is not None
        assert (values.rmse, values.mae, values.r2) == pytest.approx(tuple(stated.values()), rel=1e-3)
    elif model == "breast-cancer":
        assert isinstance(evaluation, ClassEvaluation)
        figures = evaluation.figures()
        assert figures is not None
        assert (figures.accuracy, figures.auroc) == pytest.approx(tuple(stated.values()), abs=1e-4)
    else:
        assert isinstance(evaluation, ClassEvaluation)
        assert evaluation.used().rows == 60


@given(st.lists(st.text("abAB01.", min_size=1, max_size=3), min_size=2, max_size=6, unique=True), st.data())
def test_every_label_is_itself(labels: list[str], data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(labels))
    assert class_of(f" {label} ", labels) == labels.index(label)
