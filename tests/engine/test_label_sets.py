"""Several labels a row: each is decided by its own threshold, and every figure is scikit-learn's on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from engine import Engine, Filter, LabelSetComparison, LabelSetEvaluation, Results, Settings, compare, evaluation_of
from engine.evaluation.set_judging import label_curve, label_set_figures
from engine.report import report_html
from engine.results.label_sets import label_counts, labels_together, nearest_calls
from engine.views import LabelCounts
from tests.engine.echoing import ECHO, predicted
from tests.engine.making import write_model
from tests.pool import open_engine

LABELS = ("fruit", "smoke", "rare")
CARD: dict[str, Any] = {
    "title": "Sets",
    "task": "tabular-multi-label-classification",
    "signature": [{"name": name} for name in LABELS],
    "output_kind": "logits",
    "labels": list(LABELS),
    "thresholds": {"rare": 0.2},
    "target": "notes",
    "targets": {label: f"has_{label}" for label in LABELS},
}
CUTS = np.array([0.5, 0.5, 0.2])
NEAR = 2e-6


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("label-sets")
    write_model(folder / "models" / "sets", ECHO, CARD, 0.0)
    write_model(folder / "models" / "shifted", ECHO, CARD, 0.5)
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def rows(seed: int = 0, number: int = 300) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """(logits as a table, the truth, the probabilities), the truth as a column of texts and as a column each."""
    random = np.random.default_rng(seed)
    truth = random.random((number, 3)) < [0.5, 0.4, 0.1]
    logits = (random.normal(0, 1, truth.shape) + 1.5 * truth - 0.75).astype(np.float32)
    notes = ["; ".join(label for label, held in zip(LABELS, line, strict=True) if held) or "none" for line in truth]
    table = pl.DataFrame({label: logits[:, place] for place, label in enumerate(LABELS)})
    return table.with_columns(notes=pl.Series(notes)), truth, 1 / (1 + np.exp(-logits.astype(np.float64)))


def evaluated(results: Results) -> LabelSetEvaluation:
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, LabelSetEvaluation)
    return evaluation


def test_each_label_has_its_own_threshold(echo: Engine, tmp_path: Path) -> None:
    table, _, shares = rows()
    results = predicted(echo, "sets", table, tmp_path / "rows.csv")
    lines = results.page(0, 1_000)
    held = shares >= CUTS
    wanted = ["; ".join(np.array(LABELS)[line]) or "none" for line in held]
    assert lines["prediction"].to_list() == wanted
    counts = label_counts(results, shares_of(results))
    assert counts["rows"].to_list() == held.sum(0).tolist()
    assert labels_together(results, shares_of(results))["fruit", "rare"] == (held[:, 0] & held[:, 2]).sum()
    nearest = nearest_calls(results, shares_of(results), 1).row(0, named=True)
    assert nearest["apart"] == pytest.approx(np.abs(shares - CUTS).min(), abs=NEAR)
    assert [each.label for each in results.headline()] == [
        "Most frequent label",
        "Labels a row",
        "Rows without a label",
    ]
    assert "Labels that come together" in report_html(results)


@pytest.mark.parametrize("own", [False, True], ids=["a column of texts", "a column each"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_figures_are_those_of_scikit_learn(echo: Engine, tmp_path: Path, own: bool, suffix: str) -> None:
    table, truth, shares = rows(1)
    if own:
        each = {f"has_{label}": pl.Series(truth[:, place]) for place, label in enumerate(LABELS)}
        table = table.drop("notes").with_columns(**each)
    evaluation = evaluated(predicted(echo, "sets", table, tmp_path / f"rows.{suffix}"))
    found, held = label_set_figures(evaluation), shares >= CUTS
    assert found is not None
    assert found.used.rows == len(truth)
    assert found.exact == pytest.approx(metrics.accuracy_score(truth, held))
    assert found.hamming == pytest.approx(metrics.hamming_loss(truth, held))
    assert found.micro_f1 == pytest.approx(metrics.f1_score(truth, held, average="micro"))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, held, average="macro"))
    assert found.auroc == pytest.approx(metrics.roc_auc_score(truth, shares, average="macro"), abs=NEAR)
    recall = metrics.recall_score(truth, held, average=None).tolist()
    assert found.per_label["recall"].to_list() == pytest.approx(recall, abs=NEAR)
    curve = label_curve(evaluation, label="rare")
    assert curve is not None
    assert curve.at(0.2).found == (truth & held)[:, 2].sum()


def test_a_worker_says_the_same_of_the_rows_chosen(echo: Engine, tmp_path: Path) -> None:
    table, truth, shares = rows(2)
    evaluation = evaluated(predicted(echo, "sets", table, tmp_path / "rows.csv"))
    some = (Filter("fruit", "between", (0, None)),)
    found, chosen = evaluation.figures(some), table["fruit"].to_numpy() >= 0
    assert found is not None
    assert found.used.rows == chosen.sum()
    assert found.hamming == pytest.approx(metrics.hamming_loss(truth[chosen], (shares >= CUTS)[chosen]))


def test_what_cannot_be_judged_is_counted(echo: Engine, tmp_path: Path) -> None:
    notes = ["fruit, smoke", "Fruit | RARE", "none", "", "fruit; tar", "smoke;smoke"]
    table = pl.DataFrame({label: [1.0] * 6 for label in LABELS}).with_columns(notes=pl.Series(notes))
    used = evaluated(predicted(echo, "sets", table, tmp_path / "rows.csv")).used()
    assert (used.rows, used.unlabelled, used.unknown, used.names) == (4, 1, 1, ("fruit; tar",))


def test_two_runs_are_compared_label_by_label(echo: Engine, tmp_path: Path) -> None:
    table, _, shares = rows(3)
    a, b = (predicted(echo, model, table, tmp_path / "rows.csv") for model in ("sets", "shifted"))
    comparison = compare(a, b)
    assert isinstance(comparison, LabelSetComparison)
    logits = np.log(shares / (1 - shares))
    first, second = shares >= CUTS, 1 / (1 + np.exp(-(logits + 0.5))) >= CUTS
    agreement = comparison.agreement()
    assert agreement.share == pytest.approx((first == second).all(1).mean())
    assert agreement.answers == pytest.approx((first == second).mean())
    assert agreement.per_label["second"].to_list() == (second & ~first).sum(0).tolist()
    assert comparison.differences(5)["gap"].is_sorted(descending=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": [], "thresholds": {}, "targets": {}}, "key 'labels' is missing"),
        ({"labels": ["a; b", "c"], "thresholds": {}, "targets": {}}, "cannot be told from"),
        ({"output_kind": "classes"}, "does not say which labels hold"),
        ({"thresholds": {"wood": 0.3}}, "thresholds: 'wood' is none of the labels"),
        ({"targets": {"wood": "x"}}, "targets: 'wood' is none of the labels"),
        ({"targets": {"rare": "smoke"}}, "'smoke' is in the signature too"),
        ({"output_kind": None, "labels": ["fruit", "smoke"], "thresholds": {}, "targets": {}}, "names 2 labels"),
    ],
)
def test_cards_that_do_not_fit(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    from engine.checkpoints.warm import load_model
    from engine.errors import ForelightError
    from engine.models.registry import ModelRegistry

    write_model(tmp_path / "sets", ECHO, {**CARD, **change}, 0.0)
    with pytest.raises(ForelightError, match=words):
        load_model(ModelRegistry([tmp_path]).entry("sets").usable_card(), tmp_path / "sets")


def shares_of(results: Results) -> Any:
    return next(view.shares for view in results.views if isinstance(view, LabelCounts))
