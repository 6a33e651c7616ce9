"""One row by its address, its neighbours, and values changed by hand, with the real engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.resources import get_engine
from dashboard.typed import write_values
from engine import Engine, ModelCard, Options, Run, Source, neighbours
from engine.readers import scan
from engine.settings import BUNDLED_MODELS, Settings
from tests.dashboard.test_pages import button, opened, words
from tests.engine.making import write_model

FinishedRun = Callable[..., Run]
MODEL = """
import pytorch_lightning as pl, torch
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(5, 1)
    def forward(self, x):
        return self.layer(x)
"""
SIGNATURE = [
    {"name": "plan", "type": "category", "categories": ["basic", "plus"]},
    {"name": "region", "type": "category", "categories": ["n", "e", "s", "w", "*mid*"], "example": "w"},
    {"name": "active", "type": "boolean"},
    {"name": "visits", "type": "integer", "range": [0, 10], "example": 3},
    {"name": "![x](http://evil.example/x.png)"},
]
CARD = {"title": "Churn", "task": "tabular-regression", "signature": SIGNATURE, "outputs": [{"name": "risk"}]}


@pytest.fixture
def churn(shared_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The shared engine with a model that takes every kind of column besides."""
    write_model(tmp_path / "models" / "churn", MODEL, CARD)
    monkeypatch.setenv("FORELIGHT_MODELS", f"{tmp_path / 'models'}{os.pathsep}{BUNDLED_MODELS}")
    get_engine.clear()
    engine = get_engine()
    yield engine
    engine.close()


def shown(app: AppTest, label: str) -> str:
    return next(str(metric.value).replace("\\", "") for metric in app.metric if metric.label.startswith(label))


def test_the_address_chooses_the_row(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer")
    app = opened("result", run=run.id, tab="Rows", row="7")
    assert app.number_input[0].value == 7
    app.button(key="Next").click().run()
    assert app.number_input[0].value == 8
    assert app.query_params["row"] == "8"
    app.button(key="Previous").click().run().button(key="Previous").click().run()
    assert app.number_input[0].value == 6
    expected = shared_engine.results(run.id).page(5, 1)["prediction"][0]
    assert expected in [metric.value for metric in app.metric]


def test_the_first_and_the_last_row_have_one_way_on(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer")
    first = opened("result", run=run.id, tab="Rows")
    assert first.button(key="Previous").disabled
    last = opened("result", run=run.id, tab="Rows", row=str(run.rows_total))
    assert last.button(key="Next").disabled


def test_a_neighbour_is_gone_to(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer")
    app = opened("result", run=run.id, tab="Rows", row="7")
    above = neighbours(shared_engine.results(run.id), "confidence", 7).above[0][0]
    app.button(key=f"neighbour-{above}").click().run()
    assert app.number_input[0].value == above
    assert not app.exception


def test_the_place_in_the_cards_range_is_shown(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    table = opened("result", run=run.id, tab="Rows", row="1").dataframe[0].value.set_index("Column")
    line = shared_engine.results(run.id).page(0, 1).row(0, named=True)
    assert table.loc["bmi", "In range"] == pytest.approx((line["bmi"] - 10) / 70)
    assert table.loc["bmi", "Valid"] == "10 – 80"
    assert table.loc["bmi", "Value"].endswith("kg/m²")
    lower = (shared_engine.results(run.id).page(0, 100)["bmi"] < line["bmi"]).mean()
    assert lower is not None
    assert table.loc["bmi", "Rows below"] == pytest.approx(100 * float(str(lower)))


@pytest.mark.parametrize("model_id", ["breast-cancer", "diabetes-progression"])
def test_what_if_begins_with_the_row_and_follows_each_change(
    shared_engine: Engine, finished_run: FinishedRun, model_id: str
) -> None:
    run = finished_run(model_id)
    results = shared_engine.results(run.id)
    app = opened("result", run=run.id, tab="Rows", row="3")
    app.toggle(key="what-if").set_value(True).run()
    line = results.page(2, 1).row(0, named=True)
    for slider in app.slider:
        name = str(slider.key).rpartition("-")[2]
        assert slider.value == line[name]
        low, high = results.card.column(name).range or (0, 0)
        assert (slider.min, slider.max) == (low, high)
    assert "As in row 3" in words(app)

    changed = app.slider[2]
    changed.set_value(changed.max).run()
    assert "With 1 value changed" in words(app)
    values = {column.name: line[column.name] for column in results.card.signature}
    values[str(changed.key).rpartition("-")[2]] = changed.max
    _, expected = shared_engine.predict_now(model_id, (written(values, results.card, run.folder),))
    assert not app.exception
    answer = "confidence" if "confidence" in expected.columns else "progression_estimate"
    metrics = [metric for metric in app.metric if metric.label.replace("\\", "").startswith(answer)]
    assert float(str(metrics[-1].value).replace("\\", "").replace(",", "")) == pytest.approx(
        expected[answer][0], rel=1e-3
    )


def written(values: dict[str, object], card: ModelCard, folder: Path) -> Source:
    return write_values([values], card, folder)


def test_variants_are_kept_and_saved_as_a_run(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    app = opened("result", run=run.id, tab="Rows", row="2")
    app.toggle(key="what-if").set_value(True).run()
    assert button(app, "Keep this variant").disabled
    for value in (30.0, 40.0):
        next(each for each in app.slider if str(each.key).endswith("-bmi")).set_value(value).run()
        button(app, "Keep this variant").click().run()
    table = app.dataframe[-1].value
    assert len(table) == 3
    assert table["What changed"].tolist()[0] == "the beginning"
    assert table["What changed"].tolist()[1].endswith("→ 30")

    button(app, "Save the variants as a new run").click().run()
    assert not app.exception
    new = next(each for each in shared_engine.runs() if each.id != run.id)
    assert shared_engine.wait(new.id).state == "done"
    lines = shared_engine.results(new.id).page(0, 10)
    assert lines["bmi"].to_list()[1:] == [30.0, 40.0]
    original = shared_engine.results(run.id).page(1, 1)
    assert lines["progression_estimate"][0] == pytest.approx(original["progression_estimate"][0], rel=1e-5)
    assert new.sources == ("typed-values.csv",)


def test_begin_again_brings_the_rows_values_back(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    app = opened("result", run=run.id, tab="Rows", row="2")
    app.toggle(key="what-if").set_value(True).run()
    app.slider[0].set_value(app.slider[0].max).run()
    assert "With 1 value changed" in words(app)
    button(app, "Begin again").click().run()
    assert "As in row 2" in words(app)


def test_a_typed_value_outside_the_range_is_the_reports_sentence(shared_engine: Engine) -> None:
    app = opened("try_it", model="diabetes-progression")
    app.toggle(key="exact-try-diabetes-progression-1").set_value(True).run()
    field = next(each for each in app.number_input if str(each.key).endswith("-bmi-typed"))
    field.set_value(500.0).run()
    assert "Column 'bmi', row 1: found '500.0', expected 10 to 80 kg/m²." in words(app)
    assert button(app, "Keep this variant").disabled


def test_every_kind_of_column_has_its_field(churn: Engine) -> None:
    app = opened("try_it", model="churn")
    assert not app.error
    assert app.segmented_control[0].options == ["basic", "plus"]
    region = next(each for each in app.selectbox if "region" in each.label)
    assert region.value == "w"
    assert (app.slider[0].value, app.slider[0].min, app.slider[0].max) == (3, 0, 10)
    assert "](http" not in app.number_input[0].label
    first = shown(app, "risk")

    app.segmented_control[0].set_value("plus").run()
    second = shown(app, "risk")
    next(each for each in app.toggle if "active" in each.label).set_value(True).run()
    third = shown(app, "risk")
    region.select("*mid*").run()
    assert len({first, second, third, shown(app, "risk")}) == 4
    assert not app.exception


def test_a_row_that_failed_can_be_mended(churn: Engine, tmp_path: Path) -> None:
    """An unknown category and an empty number: both are said, in the check's sentences, until they are set right."""
    cells = {"plan": "basic", "region": "zz", "active": "yes", "visits": 3, "![x](http://evil.example/x.png)": None}
    pl.DataFrame([{**cells, "region": "n", SIGNATURE[4]["name"]: 1}, cells], strict=False).write_csv(tmp_path / "y.csv")
    run = churn.check("churn", [Source("y.csv", tmp_path / "y.csv")], keep_files=True)
    churn.submit(run.id, Options(on_error="report"))
    assert churn.wait(run.id).rows_failed == 1
    app = opened("result", run=run.id, tab="Rows", row="2")
    app.toggle(key="what-if").set_value(True).run()
    assert "found 'zz', expected one of n, e, s, w" in words(app)
    assert "row 1: the cell is empty, expected a number" in words(app)
    next(each for each in app.selectbox if "region" in each.label).select("w").run()
    assert "found 'zz'" not in words(app)
    app.number_input[-1].set_value(2.0).run()
    assert shown(app, "risk")


def test_a_series_is_not_typed(shared_engine: Engine, finished_run: FinishedRun) -> None:
    assert "takes a whole series of steps" in words(opened("try_it", model="lorenz-state"))
    run = finished_run("lorenz-state")
    app = opened("result", run=run.id, tab="Rows", row="25")
    assert "takes a whole series of steps" in words(app)
    assert not app.toggle


def test_a_picture_is_predicted_when_it_is_dropped(shared_engine: Engine) -> None:
    app = opened("try_it", model="cifar10")
    folder = BUNDLED_MODELS / "cifar10" / "samples"
    for name, expected in (("cat.jpg", "cat"), ("moose.jpg", "")):
        dropped(app, Source(name, folder / name)).run()
        assert not app.exception
        assert shown(app, "prediction")
        assert not expected or shown(app, "prediction") == expected
    button(app, "rocket.jpg").click().run()
    assert "**rocket.jpg**" in words(app)
    assert app.dataframe[0].value["Picture"].tolist() == ["cat.jpg", "moose.jpg", "rocket.jpg"]
    button(app, "Save them as a new run").click().run()
    (run,) = shared_engine.runs()
    assert shared_engine.wait(run.id).rows_total == 3


def dropped(app: AppTest, source: Source) -> AppTest:
    """What the page knows once a picture has arrived."""
    app.session_state["picture-now-try-cifar10-1"] = source
    return app


def test_a_broken_picture_is_a_sentence(shared_engine: Engine, tmp_path: Path) -> None:
    app = opened("try_it", model="cifar10")
    (tmp_path / "x").write_bytes(b"\x89PNG no")
    dropped(app, Source("x.png", tmp_path / "x")).run()
    assert "Row 1, x.png: is no PNG" in words(app)
    assert not app.exception


@pytest.mark.parametrize("cell", [None, "", " x ", '"', "a,b", "1e400", 0.1 + 0.2, 5e-324, True, 7])
def test_a_typed_cell_is_read_as_it_was_typed(tmp_path: Path, cell: object) -> None:
    """Through the CSV and its reader, alone in the file: nothing is lost, an empty one is empty."""
    card = ModelCard.model_validate({**CARD, "module": "a:B", "signature": [{"name": "only"}]})
    (tmp_path / "scratch").mkdir()
    frame = scan(
        write_values([{"only": cell}], card, tmp_path), card, tmp_path / "scratch", Settings(home=tmp_path)
    ).frame.collect()
    found = frame["only"][0]
    assert frame.height == 1
    if cell is None or cell == "":
        assert found in (None, "")
    elif isinstance(cell, float):
        assert pl.Series([found]).cast(pl.Float64)[0] == cell
    else:
        assert found == (str(cell).lower() if isinstance(cell, bool) else str(cell))
