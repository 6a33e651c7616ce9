"""The pre-flight: everything that is wrong with a file, at once, before anything is predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Engine, Filter, Options, Problem, Run, Settings, Source
from engine.errors import InputRefused, ReadError
from tests.conftest import Predicting
from tests.engine.making import write_model
from tests.pool import open_engine

CODE = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def forward(self, x):
        return x.sum(dim=1, keepdim=True)
"""
CARD: dict[str, Any] = {
    "title": "Adder",
    "task": "tabular-regression",
    "signature": [
        {"name": "age", "unit": "years", "range": [0, 120]},
        {"name": "visits", "type": "integer"},
        {"name": "colour", "type": "category", "categories": ["red", "green"]},
        {"name": "new", "type": "boolean"},
    ],
    "outputs": [{"name": "total", "unit": "points"}],
    "target": "outcome",
}
HEADER = "id,age,visits,colour,new\n"


@pytest.fixture(scope="module")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("adder")
    write_model(folder / "models" / "adder", CODE, CARD)
    return open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))


def checked(engine: Engine, path: Path, text: str, **options: Any) -> Run:
    path.write_text(text, encoding="utf-8")
    return engine.check("adder", [Source(path.name, path)], **options)


def problems(run: Run, severity: str) -> list[Problem]:
    return [problem for problem in run.report.problems if problem.severity == severity]


def test_a_clean_file(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", HEADER + "007,61.5,3,green,yes\n008,0,0,red,0\n")
    assert run.report.clean
    assert (run.report.n_rows, run.report.n_good) == (2, 2)
    assert [(use.name, use.role) for use in run.report.columns] == [
        ("id", "extra"), ("age", "input"), ("visits", "input"), ("colour", "input"), ("new", "input"),
    ]  # fmt: skip
    adder.submit(run.id)
    adder.wait(run.id)
    lines = adder.results(run.id).page(0, 10)
    assert lines["id"].to_list() == ["007", "008"]
    assert lines["total"].to_list() == [61.5 + 3 + 1 + 1, 0]


def test_a_name_that_results_use_within_takes_nothing_from_another_column(adder: Engine, tmp_path: Path) -> None:
    header = HEADER.replace("id,", "id,size,__as_written_size,")
    run = checked(adder, tmp_path / "rows.csv", header + "7,1.50,mine,61.5,3,green,yes\n")
    adder.submit(run.id)
    adder.wait(run.id)
    written = adder.export(run.id, "csv").read_text().splitlines()
    line = dict(zip(written[0].split(","), written[1].split(","), strict=True))
    assert (line["size"], line["input___as_written_size"]) == ("1.50", "mine")


def test_every_fault_is_found_at_once(adder: Engine, tmp_path: Path) -> None:
    rows = (
        "1,61,3,green,yes",
        "2,old,3,green,yes",
        "3,130,3,grene,yes",
        "4,,3,red,yes",
        "5,1e400,3.5,red,maybe",
        "6,nan,2,,1",
    )
    run = checked(adder, tmp_path / "rows.csv", HEADER + "\n".join(rows) + "\n")
    assert (run.report.n_rows, run.report.n_good) == (6, 1)
    found = {(problem.column, problem.code): problem for problem in problems(run, "rows")}
    assert set(found) == {
        ("age", "not-a-number"), ("age", "out-of-range"), ("age", "missing-value"), ("age", "not-finite"),
        ("visits", "not-whole"), ("colour", "unknown-category"), ("colour", "missing-value"), ("new", "not-boolean"),
    }  # fmt: skip
    assert found["age", "out-of-range"].message == "Column 'age', row 3: found '130', expected 0 to 120 years."
    assert found["age", "not-a-number"].row == 2
    assert "Did you mean 'green'?" in found["colour", "unknown-category"].message
    assert found["visits", "not-whole"].found == "'3.5'"
    assert found["new", "not-boolean"].expected == "yes or no"


def test_bad_rows_are_reported_and_the_good_ones_predicted(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", HEADER + "1,61,3,green,yes\n2,old,3,blue,yes\n3,7,1,red,no\n")
    with pytest.raises(InputRefused, match="1 of 3 rows cannot be predicted"):
        adder.submit(run.id)
    adder.submit(run.id, Options(on_error="report"))
    ended = adder.wait(run.id)
    assert (ended.rows_done, ended.rows_failed) == (3, 1)
    lines = adder.results(run.id).page(0, 10)
    assert lines["status"].to_list() == ["ok", "failed", "ok"]
    assert lines["total"].to_list() == [66, None, 8]
    error = lines["error"][1]
    assert error == "column 'age': 'old' is not a number; column 'colour': 'blue' is none of red, green"
    failed = adder.results(run.id).page(0, 10, where=[Filter("status", "in", ("failed",))])
    assert failed["row"].to_list() == [2]


def test_misspelt_columns_are_mended_by_a_rename(adder: Engine, tmp_path: Path) -> None:
    text = "Age ,visits,colur,new\n61,3,green,yes\n"
    run = checked(adder, tmp_path / "rows.csv", text)
    fatal = problems(run, "fatal")
    assert [problem.rename for problem in fatal] == [("Age ", "age"), ("colur", "colour")]
    assert "Did you mean 'Age '? Rename it to 'age'." in fatal[0].message
    renames = dict(problem.rename for problem in fatal if problem.rename)
    assert checked(adder, tmp_path / "rows.csv", text, renames=renames).report.clean


def test_a_missing_column_is_fatal(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", "age,visits,new\n1,2,yes\n")
    assert run.report.fatal
    assert "column 'colour' is missing; the file has 'age', 'visits', 'new'" in problems(run, "fatal")[0].message


def test_labels_and_extra_columns_are_said_and_kept(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", "age,visits,colour,new,outcome,row,total\n1,2,red,no,9,a,b\n")
    assert {problem.code for problem in problems(run, "note")} == {"label-column", "extra-column", "renamed-column"}
    adder.submit(run.id)
    adder.wait(run.id)
    line = adder.results(run.id).page(0, 1).row(0, named=True)
    assert (line["outcome"], line["input_row"], line["input_total"], line["row"], line["total"]) == (
        9,
        "a",
        "b",
        1,
        3,
    )


def test_no_rows_are_fatal(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", HEADER)
    assert "there is not one row under the header" in problems(run, "fatal")[0].message
    with pytest.raises(InputRefused):
        adder.submit(run.id, Options(on_error="report"))


def test_ragged_lines_are_named(adder: Engine, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="rows.csv, line 3: found 6 fields, expected 5 as in the header"):
        checked(adder, tmp_path / "rows.csv", HEADER + "1,61,3,green,yes\n2,61,3,green,yes,extra\n")
    assert not list(adder.settings.runs_folder.glob("*/scratch")), "a file that cannot be read leaves nothing"


def test_decimal_commas_are_numbers(adder: Engine, tmp_path: Path) -> None:
    run = checked(adder, tmp_path / "rows.csv", "age;visits;colour;new\n61,5;3;green;yes\n")
    assert run.report.clean
    assert adder.preview(run.id)["age"].to_list() == [61.5]


def test_several_files_are_one_run(adder: Engine, tmp_path: Path) -> None:
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path in paths:
        path.write_text("age,visits,colour,new\n1,2,red,no\n")
    lines = Predicting(adder).results("adder", paths).page(0, 10)
    assert lines["file"].to_list() == ["one.csv", "two.csv"]
    assert lines["row"].to_list() == [1, 2]


def test_series_of_the_wrong_length_fail_whole(predicting: Predicting, samples: Path) -> None:
    sample = samples / "lorenz-state" / "samples" / "6-series-one-short.csv"
    run = predicting.run("lorenz-state", [sample], on_error="report")
    [problem] = problems(run, "rows")
    assert "'2' from row 21, has 19, expected 20" in problem.message
    lines = predicting.engine.results(run.id).page(0, 500)
    failed = lines.filter(pl.col("status") == "failed")
    assert set(failed["series"]) == {"2"}
    assert failed.height == 19
    assert lines.height == pl.read_csv(sample).height


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6), min_size=1, max_size=6))
def test_whatever_stands_in_a_number_column_rows_in_are_lines_out(
    adder: Engine, tmp_path: Path, cells: list[str]
) -> None:
    table = pl.DataFrame({"age": cells, "visits": ["1"] * len(cells), "colour": "red", "new": "no"})
    run = checked(adder, tmp_path / "rows.csv", table.write_csv(quote_style="always"))
    assert run.report.n_rows == len(cells)
    if run.report.n_good:
        adder.submit(run.id, Options(on_error="report"))
        ended = adder.wait(run.id)
        assert (ended.state, ended.rows_done) == ("done", len(cells))
        lines = adder.results(run.id).page(0, 10)
        assert lines["row"].to_list() == list(range(1, len(cells) + 1))
        assert lines.filter(pl.col("status") == "ok").height == run.report.n_good
    adder.delete(run.id)
