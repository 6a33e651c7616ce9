"""The pages with the real engine: choose, bring, check, predict, read, delete."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.upload import Files
from dashboard.resources import get_engine
from dashboard.selection import steps_ahead
from engine import Engine, GuardedEngine, Options, Results, Run
from engine.backends import LocalBackend
from engine.settings import BUNDLED_MODELS
from engine.views import Extremes, Gallery, LabelReview, Review, Texts
from tests.dashboard.conftest import TESTER

MAIN = str(Path(__file__).parents[2] / "dashboard" / "main.py")
MODELS = (
    "breast-cancer",
    "diabetes-progression",
    "digit-space",
    "digits",
    "el-nino",
    "languages",
    "lorenz-state",
    "penguins",
    "yeast-genes",
)
FinishedRun = Callable[..., Run]
SAMPLES = BUNDLED_MODELS / "diabetes-progression" / "samples"


def opened(page: str = "", /, **query: str) -> AppTest:
    """The app at that page and address."""
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.session_state["visitor"] = TESTER
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page:
        app.switch_page(f"app_pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All that stands on the page in words."""
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.error,
        app.warning,
        app.success,
        app.info,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def button(app: AppTest, start: str) -> Any:
    return next(each for each in app.button if each.label.replace("\\", "").startswith(start))


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    """What the page is told by the browser once the file has arrived."""
    engine, model = get_engine(), app.query_params["model"]
    with engine.uploads.begin(TESTER, name, len(content)) as receiving:
        receiving.write(content)
        found = receiving.finish()
    app.session_state[f"upload-{model}"] = Files("token", (found.source(),), (found.id,), sent=True)
    app.run()
    assert not app.exception
    return app


def told(app: AppTest) -> dict[str, Any]:
    """What the page tells its uploader; nothing where there is none."""
    protos = [each.proto for each in app.get("bidi_component")]
    (found,) = [proto.json for proto in protos if proto.component_name == "forelight_uploader"]
    data: dict[str, Any] = json.loads(found)
    return data


def taken(*ids: str) -> Files | None:
    """What the page remembers when the browser says that these uploads have arrived."""

    def page() -> None:
        import streamlit as st

        from dashboard.access.callers import this_engine
        from dashboard.components.upload import take_files

        engine = this_engine()
        entry = engine.model("diabetes-progression")
        take_files(engine, entry, {"token": "t", "ids": st.session_state["ids"]})

    small = AppTest.from_function(page)
    small.session_state["visitor"], small.session_state["ids"] = TESTER, ids
    small.run()
    assert not small.exception
    found: Files | None = small.session_state.get("upload-diabetes-progression", None)
    return found


def test_the_address_chooses_the_model(shared_engine: Engine) -> None:
    app = opened(model="diabetes-progression")

    assert app.query_params["model"] == "diabetes-progression"
    assert told(app)["needs"].startswith("A table with 10 columns")
    assert app.button[0].label == "30 patients"


def test_an_unknown_model_in_the_address_is_not_an_error(shared_engine: Engine) -> None:
    assert opened(model="no-such-model").query_params["model"] == "breast-cancer"


def test_a_sample_is_checked_and_predicted(shared_engine: Engine) -> None:
    app = opened(model="diabetes-progression")
    button(app, "30 patients").click().run()
    assert "30 rows ready" in words(app)

    button(app, "Predict 30 rows").click().run()
    (run,) = shared_engine.runs()
    assert shared_engine.wait(run.id).state == "done"
    assert run.model_id == "diabetes-progression"


def test_an_upload_is_checked_and_gone_once_it_is_predicted(shared_engine: Engine) -> None:
    app = upload(opened(model="diabetes-progression"), "mine.csv", (SAMPLES / "patients.csv").read_bytes())
    assert "30 rows ready" in words(app)

    button(app, "Predict 30 rows").click().run()
    (run,) = shared_engine.runs()
    assert run.sources == ("mine.csv",)
    uploads = shared_engine.settings.uploads_folder
    assert [path for path in uploads.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_only_ones_own_uploads_are_taken(shared_engine: Engine) -> None:
    def sent(visitor: str) -> str:
        with shared_engine.uploads.begin(visitor, "a.csv") as receiving:
            receiving.write(b"x")
            return receiving.finish().id

    mine, theirs = sent(TESTER), sent("somebody-else")
    found = taken(mine)
    assert found is not None
    assert [source.name for source in found.sources] == ["a.csv"]
    for ids in ([], [theirs], [mine, theirs], [mine, "../" + mine], [""]):
        assert taken(*ids) is None


def test_a_sample_instead_of_uploads_and_back(shared_engine: Engine) -> None:
    app = opened(model="diabetes-progression")
    first = told(app)["round"]
    button(app, "30 patients").click().run()
    assert "forelight_uploader" not in [each.proto.component_name for each in app.get("bidi_component")]

    button(app, "Use other files").click().run()
    assert told(app)["taken"] == ""
    assert told(app)["round"] != first


def test_a_misspelt_column_is_renamed_with_one_click(shared_engine: Engine) -> None:
    text = (SAMPLES / "patients.csv").read_text().replace("bmi", "Bmi", 1)
    app = upload(opened(model="diabetes-progression"), "mine.csv", text.encode())
    assert "Cannot predict yet: 1 column is missing" in words(app)
    assert button(app, "Predict").disabled

    button(app, "Rename 'Bmi' → 'bmi'").click().run()
    assert "30 rows ready" in words(app)

    button(app, "Undo the renames").click().run()
    assert "1 column is missing" in words(app)


def test_a_column_of_another_name_is_taken(shared_engine: Engine) -> None:
    text = (SAMPLES / "patients.csv").read_text().replace("bmi", "Körperfülle", 1)
    app = upload(opened(model="diabetes-progression"), "mine.csv", text.encode())
    assert "1 column is missing" in words(app)

    asked = next(each for each in app.selectbox if each.label == "The column that is 'bmi'")
    assert asked.options == ["patient", "Körperfülle"]
    asked.select("Körperfülle").run()
    assert "30 rows ready" in words(app)


def test_a_row_says_what_moves_its_prediction(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    app = opened("result", run=run.id, tab="Rows", row="3")
    before = len(app.get("plotly_chart"))
    next(each for each in app.toggle if each.label.startswith("Show which values")).set_value(True).run()
    chart = next(each.proto for each in app.get("plotly_chart") if each.proto.alt.startswith("What moves"))
    assert not app.error
    assert len(app.get("plotly_chart")) == before + 1
    assert "progression_estimate" in chart.alt
    assert "bmi" in chart.alt


@pytest.mark.parametrize(
    ("model_id", "what", "how"), [("digits", "places", "patches painted over"), ("languages", "words", "left out")]
)
def test_a_picture_and_a_text_say_what_their_prediction_stands_on(
    shared_engine: Engine, finished_run: FinishedRun, model_id: str, what: str, how: str
) -> None:
    app = opened("result", run=finished_run(model_id).id, tab="Rows", row="3")
    next(each for each in app.toggle if each.label.startswith(f"Show which {what}")).set_value(True).run()
    shown = " ".join(each.proto.body for each in app.get("html"))
    assert not app.error
    assert how in shown
    assert "What moves probability of" in shown


def test_a_forecast_shows_what_was_forecast(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("el-nino")
    app = opened("result", run=run.id, tab="Table")
    button(app, "Show the 72 forecast steps alone").click().run()
    assert app.dataframe[0].value["forecast"].notna().all()

    rows = opened("result", run=run.id, tab="Rows")
    assert rows.number_input[0].value == 217


def test_faulty_rows_are_predicted_around_only_on_request(shared_engine: Engine) -> None:
    lines = (SAMPLES / "patients.csv").read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ",none"
    app = upload(opened(model="diabetes-progression"), "mine.csv", "\n".join(lines).encode())
    assert "1 of 30 rows cannot be predicted" in words(app)

    button(app, "Predict 29 good rows, report 1").click().run()
    (run,) = shared_engine.runs()
    assert run.options.on_error == "report"
    assert shared_engine.wait(run.id).rows_failed == 1

    page = opened("result", run=run.id)
    assert "1 row was not predicted" in words(page)
    button(page, "Show them").click().run()
    assert page.dataframe[0].value["row"].tolist() == [3]


def test_a_file_of_no_known_kind_is_a_sentence(shared_engine: Engine) -> None:
    app = upload(opened(model="diabetes-progression"), "mine.docx", b"PK")

    assert "'.docx' files cannot be read. This model takes tables" in app.error[0].value.replace("\\", "")
    assert told(app)["taken"]
    assert "Models that take such files" not in words(app)


@pytest.mark.parametrize(
    ("model_id", "name", "other"),
    [("penguins", "cat.png", "digits"), ("digits", "mine.csv", "Diabetes progression")],
)
def test_a_file_for_another_kind_of_model_names_such_models(
    shared_engine: Engine, model_id: str, name: str, other: str
) -> None:
    app = upload(opened(model=model_id), name, b"a,b\n1,2\n")

    assert app.error
    assert any(other in each.label for each in app.button)


def test_a_file_of_another_models_columns_goes_there_without_being_sent_again(shared_engine: Engine) -> None:
    app = upload(opened(model="penguins"), "patients.csv", (SAMPLES / "patients.csv").read_bytes())
    assert "columns are missing" in words(app)

    button(app, "Diabetes progression").click().run()
    assert app.query_params["model"] == "diabetes-progression"
    assert "30 rows ready" in words(app)
    assert "patients.csv" in words(app)


def test_names_in_files_are_escaped(shared_engine: Engine) -> None:
    text = (SAMPLES / "patients.csv").read_text().replace("patient", "![x](http://evil.example/x.png)", 1)
    app = upload(opened(model="diabetes-progression"), "![y](http://evil.example/y.png).csv", text.encode())

    assert "](http" not in "".join(str(each.value) for each in app.markdown)


@pytest.mark.parametrize("model_id", MODELS)
@pytest.mark.parametrize("tab", ["Charts", "Table", "Rows", "About"])
def test_every_tab_of_every_kind_of_result(
    shared_engine: Engine, finished_run: FinishedRun, model_id: str, tab: str
) -> None:
    run = finished_run(model_id)
    app = opened("result", run=run.id, tab=tab)

    assert app.title[0].value.replace("\\", "") == run.title
    results = shared_engine.results(run.id)
    assert app.metric[0].value == f"{results.count(steps_ahead(results)):,}"
    assert not app.error
    if tab == "Charts":
        drawn = [
            view for view in results.views if not isinstance(view, Texts | Gallery | LabelReview | Review | Extremes)
        ]
        assert len(app.get("plotly_chart")) == len(drawn)
    if tab == "About":
        assert f"python -m engine predict {model_id}" in app.code[0].value


def test_table_pages_sorts_and_filters(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer", sample=1)
    app = opened("result", run=run.id, tab="Table")
    assert len(app.dataframe[0].value) == 50
    assert app.dataframe[0].value["row"].iloc[0] == 1

    app.selectbox(key="size").select(25).run()
    app.segmented_control(key="order").set_value("descending").run()
    assert app.dataframe[0].value["row"].tolist() == list(range(114, 89, -1))

    chosen = opened("result", run=run.id, tab="Table", f="prediction~in~benign")
    assert set(chosen.dataframe[0].value["prediction"]) == {"benign"}
    assert "prediction is benign" in button(chosen, "prediction is benign").label

    button(chosen, "prediction is benign").click().run()
    assert len(chosen.dataframe[0].value) == 50
    assert "f" not in chosen.query_params


def test_the_address_chooses_columns_and_a_page(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer", sample=1)
    app = opened("result", run=run.id, tab="Table", page="2", sort="confidence", size="25", row="7")
    expected = shared_engine.results(run.id).page(25, 25, sort="confidence")

    assert app.dataframe[0].value["row"].tolist() == expected["row"].to_list()
    assert "Row 7" in words(app)


def test_rows_can_be_inspected(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("breast-cancer")
    app = opened("result", run=run.id, tab="Rows")
    app.number_input[0].set_value(7).run()

    expected = shared_engine.results(run.id).page(6, 1)["prediction"][0]
    assert expected in [metric.value for metric in app.metric]


def test_a_run_that_is_not_there_shows_the_way_on(shared_engine: Engine) -> None:
    app = opened("result", run="a" * 26)

    assert app.title[0].value == "There is no such run"
    assert not app.error


def test_a_run_that_is_deleted_while_its_page_is_drawn_is_no_incident(
    shared_engine: Engine, finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run("diabetes-progression")

    def deleted(self: GuardedEngine, asked: str) -> Results:
        shared_engine.delete(asked)
        raise FileNotFoundError(asked)

    monkeypatch.setattr(GuardedEngine, "results", deleted)
    said = words(opened("result", run=run.id))
    assert f"There is no run '{run.id}'" in said
    assert "incident" not in said


def test_runs_are_listed_and_deleted(shared_engine: Engine, finished_run: FinishedRun) -> None:
    assert "You have predicted nothing here yet" in words(opened("runs"))

    run = finished_run("diabetes-progression")
    app = opened("runs")
    assert "Diabetes progression" in words(app)
    assert "patients.csv" in words(app)

    app.button(f"delete-{run.id}").click().run()
    app.button("really-delete").click().run()
    assert shared_engine.runs() == ()
    assert not run.folder.exists()


def test_runs_of_others_are_not_listed(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    book = shared_engine._open().book
    book.store.change(run.id, visitor="somebody else")
    assert "You have predicted nothing here yet" in words(opened("runs"))
    assert opened("result", run=run.id).title[0].value == "Diabetes progression", "whoever has the link sees it"


def test_runs_are_found_by_words_and_state(shared_engine: Engine, finished_run: FinishedRun) -> None:
    first, second = finished_run("diabetes-progression"), finished_run("breast-cancer")
    shared_engine.describe(first.id, name="May", note="the new *sensors*")
    app = opened("runs")
    assert "2 runs" in words(app)
    app.text_input("q").set_value("SENSORS").run()
    assert "1 run" in words(app)
    assert "May" in words(app)
    app.text_input("q").set_value("").run()
    app.selectbox("of").set_value("breast-cancer").run()
    assert "1 run" in words(app)
    assert "May" not in words(app)
    app.selectbox("of").set_value("").run()
    app.pills("state").set_value(["Failed"]).run()
    assert "No run is like that" in words(app)
    assert {run.id for run in shared_engine.runs()} == {first.id, second.id}


def test_a_run_has_a_name_and_a_note(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    app = opened("runs")
    app.button(f"describe-{run.id}").click().run()
    app.text_input[-1].set_value("June")
    app.text_area[-1].set_value("note")
    button(app, "Save").click().run()
    assert (shared_engine.run(run.id).name, shared_engine.run(run.id).note) == ("June", "note")


def test_a_question_that_was_answered_is_not_asked_again(shared_engine: Engine, finished_run: FinishedRun) -> None:
    finished_run("breast-cancer")
    app = opened(model="breast-cancer")
    assert "You predicted just these files before" not in words(app)
    button(app, "40 biopsies").click().run()
    assert "You predicted just these files before" in words(app)
    assert button(app, "Predict 40 rows"), "run again stands beside it"


def test_a_run_that_was_stopped_is_resumed_from_its_page(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("diabetes-progression")
    book = shared_engine._open().book
    book.store.change(run.id, state="cancelled")
    (run.folder / "shards" / "000000000000.parquet").unlink()
    app = opened("result", run=run.id)
    assert "No rows are kept" in words(app)
    button(app, "Resume").click().run()
    assert shared_engine.wait(run.id, 30).state == "done"


@pytest.mark.parametrize("model_id", MODELS)
def test_models_say_what_they_need_and_give(shared_engine: Engine, model_id: str) -> None:
    app = opened("models", model=model_id)
    card = shared_engine.model(model_id).usable_card()

    assert app.header[0].value.replace("\\", "") == card.title
    assert {"What it needs", "What it gives", "Inside"} <= {each.value for each in app.subheader}
    assert len(app.metric) == len(card.figures)


def test_a_broken_card_is_listed_and_hides_no_other(
    shared_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "models" / "broken" / "card.yaml").write_text("title: x\ntaks: y\n")
    monkeypatch.setenv("FORELIGHT_MODELS", f"{BUNDLED_MODELS}{os.pathsep}{tmp_path / 'models'}")
    get_engine.clear()
    app = opened("models")

    assert app.header[0].value
    assert "did you mean 'task'" in app.error[0].value.replace("\\", "")


def test_a_running_run_shows_progress_and_can_be_cancelled(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = shared_engine.samples("diabetes-progression")[0].title
    sources = shared_engine.sample_sources("diabetes-progression", title)
    run = shared_engine.check("diabetes-progression", sources, visitor=TESTER)
    monkeypatch.setattr(LocalBackend, "_serve", lambda backend, device, worker: None)  # no device takes it
    shared_engine.submit(run.id, Options())
    app = opened("result", run=run.id)

    assert [metric.label for metric in app.metric] == ["Rows", "Place in the queue", "Starts in about"]
    button(app, "Cancel").click().run()
    assert shared_engine.run(run.id).state == "cancelled"


def test_what_nobody_foresaw_is_an_incident(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(search: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(shared_engine, "count_runs", fail)
    app = opened("runs")

    assert app.error[0].value.startswith("Something went wrong here, not in your file.")
    assert "secret" not in words(app)
