"""The Evaluation view and the comparison of two runs: what stands there, what moves, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from engine import Engine, Run
from engine.settings import BUNDLED_MODELS
from tests.dashboard.conftest import TESTER, sharing_engine
from tests.dashboard.test_pages import button, opened, words
from tests.engine.echoing import classes_model, predicted, values_model

FinishedRun = Callable[..., Run]


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Engine]:
    """The engine that the pages share, with models that predict what a file says."""
    classes_model(tmp_path / "models" / "one", ("a", "b", "c"), "First *model*")
    classes_model(tmp_path / "models" / "two", ("b", "a", "c"), "Second model")
    values_model(tmp_path / "models" / "near", title="Near")
    values_model(tmp_path / "models" / "far", shift=0.5, title="Far")
    with sharing_engine(tmp_path / "home", tmp_path / "models", BUNDLED_MODELS) as shared:
        yield shared


ROWS = pl.DataFrame(
    {
        "logit_0": [3.0, 3.0, 0.0, 0.0, 0.0, 1.0],
        "logit_1": [0.0, 0.0, 3.0, 3.0, 2.0, 0.0],
        "logit_2": [0.0, 0.0, 0.0, 0.0, 2.5, 0.0],
        "truth": ["a", "b", "b", "b", "c", "*d*"],
    }
)
VALUES = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "truth": ["1.5", "2", "3", "?"], "kind": ["p", "q", "p", "q"]})


def cards(app: AppTest) -> dict[str, str]:
    return {metric.label.replace("\\", ""): metric.value for metric in app.metric}


def test_classes_are_judged(shared_engine: Engine, finished_run: FinishedRun) -> None:
    app = opened("result", run=finished_run("breast-cancer", 1).id, tab="Evaluation")
    found = cards(app)
    assert found["Accuracy"] == "97.4%"
    assert found["AUROC"] == "0.998"
    assert found["Macro F1"] == "0.972"
    assert "114 rows judged by the labels in `diagnosis`." in words(app)
    assert all("Over 114 rows." in metric.help for metric in app.metric if metric.label == "Accuracy")
    alts = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert alts[0].startswith("Confusion matrix, labels against predictions: 111 of 114 rows on the diagonal.")
    assert len(alts) == 4


def test_the_threshold_moves_and_goes_where_it_costs_least(shared_engine: Engine, finished_run: FinishedRun) -> None:
    app = opened("result", run=finished_run("breast-cancer", 1).id, tab="Evaluation")
    assert (cards(app)["Missed"], cards(app)["False alarms"]) == ("1", "2")
    app.slider(key="decision-threshold").set_value(0.2).run()
    assert cards(app)["Missed"] == "0"
    assert int(cards(app)["False alarms"]) > 2
    app.number_input(key="cost-ratio").set_value(50.0).run()
    button(app, "Least cost").click().run()
    assert not app.exception
    assert app.slider(key="decision-threshold").value == pytest.approx(0.361)
    assert (cards(app)["Missed"], cards(app)["False alarms"]) == ("0", "5")


def test_rows_that_cannot_be_judged_are_told(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "one", ROWS, tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation")
    assert "5 rows judged by the labels in `truth`. Left out: 1 has a label the model does not know (*d*)." in words(
        app
    )
    assert cards(app)["Accuracy"] == "80.0%"


def test_mixed_up_rows_are_chosen_by_a_button(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "one", ROWS, tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation")
    button(app, "b taken for a: 1 row").click().run()
    assert app.query_params["f"] == ["truth~in~b", "prediction~in~a"]
    assert "1 row judged by the labels in `truth`." in words(app)
    assert cards(app)["Accuracy"] == "0.0%"


def test_figures_are_of_the_rows_that_filters_leave(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "one", ROWS, tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation", f="prediction~in~a")
    assert cards(app)["Accuracy"] == "50.0%"
    app.selectbox(key="threshold-class").set_value("c").run()
    assert "All or none of these rows are c: there is nothing to tell apart." in words(app)


def test_filters_that_leave_nothing(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "one", ROWS, tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation", f="truth~in~nothing")
    assert "There is nothing to judge by the labels in `truth`. No row is left by the filters." in words(app)


def test_labels_that_nobody_knows(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "one", ROWS.with_columns(truth=pl.lit("z")), tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation")
    said = "There is nothing to judge by the labels in `truth`. Left out: 6 have a label the model does not know (z)."
    assert said in words(app)


def test_values_are_judged(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "near", VALUES, tmp_path / "rows.csv", TESTER)
    app = opened("result", run=results.run.id, tab="Evaluation")
    found = cards(app)
    assert found["RMSE (m)"] == "0.2887"
    assert found["MAE (m)"] == "0.1667"
    assert found["MAPE"] == "11.1%"
    assert "Left out: 1 has a label that is no number (?)." in words(app)
    for column in ("x", "kind"):
        app.selectbox(key="residual-column").set_value(column).run()
        assert not app.exception
        assert any(f" {column}" in chart.proto.alt for chart in app.get("plotly_chart"))


def test_no_labels_no_tab(shared_engine: Engine, finished_run: FinishedRun) -> None:
    app = opened("result", run=finished_run("breast-cancer").id)
    assert "Evaluation" not in [tab.label for tab in app.tabs]
    app = opened("result", run=finished_run("breast-cancer", 1).id)
    assert "Evaluation" in [tab.label for tab in app.tabs]


def test_two_runs_of_classes_beside_each_other(echo: Engine, tmp_path: Path) -> None:
    a, b = (predicted(echo, model, ROWS, tmp_path / "rows.csv", TESTER).run for model in ("one", "two"))
    app = opened("compare", a=a.id, b=b.id)
    assert not app.error
    assert cards(app)["Agreement"] == "16.7%"
    assert cards(app)["Different class"] == "5"
    figures, differences = (table.value for table in app.dataframe)
    assert dict(zip(figures["Figure"], figures["a"], strict=True))["Accuracy"] == "80.0%"
    assert dict(zip(figures["Figure"], figures["b"], strict=True))["Accuracy"] == "40.0%"
    assert differences["a"].tolist()[:4] == ["a", "a", "b", "b"]


def test_two_runs_of_values_beside_each_other(echo: Engine, tmp_path: Path) -> None:
    a, b = (predicted(echo, model, VALUES, tmp_path / "rows.csv", TESTER).run for model in ("near", "far"))
    app = opened("compare", a=a.id)
    assert app.query_params["b"] == b.id
    assert cards(app)["Mean difference (m)"] == "0.5"
    assert cards(app)["Agreement"] == "0.0%"
    assert cards(app)["Correlation"] == "1.0000"
    assert app.dataframe[1].value["difference"].tolist() == [0.5] * 4


def test_other_rows_are_said_not_to_be_the_same(echo: Engine, tmp_path: Path) -> None:
    a = predicted(echo, "near", VALUES, tmp_path / "a.csv", TESTER).run
    b = predicted(echo, "far", VALUES.reverse(), tmp_path / "b.csv", TESTER).run
    app = opened("compare", a=a.id, b=b.id)
    assert "These runs are not about the same rows: 'x', 'truth', 'kind' differ between them." in words(app)


def test_nothing_to_compare_with(shared_engine: Engine, finished_run: FinishedRun) -> None:
    app = opened("compare", a=finished_run("breast-cancer").id)
    assert "You have no other run on the same rows." in words(app)
    assert "There is no such run" in words(opened("compare", a="a" * 26))


def test_runs_of_others_are_compared_by_their_link_only(echo: Engine, tmp_path: Path) -> None:
    mine = predicted(echo, "near", VALUES, tmp_path / "rows.csv", TESTER).run
    theirs = predicted(echo, "far", VALUES, tmp_path / "rows.csv", "somebody-else").run
    assert "You have no other run on the same rows." in words(opened("compare", a=mine.id))
    assert cards(opened("compare", a=mine.id, b=theirs.id))["Mean difference (m)"] == "0.5"
