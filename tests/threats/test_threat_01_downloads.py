"""Threat 1: Streamlit tells large files apart by name, length and three samples; nobody is handed another's."""

from __future__ import annotations

import ast
from pathlib import Path

import polars as pl
import pytest
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from dashboard.components.chart import own_name
from engine import csv_text

DASHBOARD = Path(__file__).parents[2] / "dashboard"
ROWS = 200_000


def numbers(changed: int) -> pl.DataFrame:
    """More than a megabyte; of two that differ, only one cell does, and no length."""
    return pl.DataFrame({"row": range(ROWS), "y": [10 + (row == changed) for row in range(ROWS)]})


def test_large_files_that_differ_in_one_cell_have_names_of_their_own() -> None:
    storage, found = MemoryMediaFileStorage("/media"), []
    tables = [numbers(ROWS // 4), numbers(ROWS // 4 + 1)]
    for name_of in (lambda _: "points.csv", lambda table: own_name("points", table)):
        ids = {
            storage.load_and_get_id(
                csv_text(table).encode(), "text/csv", MediaFileKind.DOWNLOADABLE, filename=name_of(table)
            )
            for table in tables
        }
        found.append(len(ids))
    assert found == [1, 2], "of one name they are one file to Streamlit; of their own names they are not"


@pytest.mark.parametrize("other", [{"row": [1, 2]}, {"y": [1, 3]}, {"y": [1, 2, 3]}])
def test_a_name_is_that_of_its_content(other: dict[str, list[int]]) -> None:
    table = pl.DataFrame({"y": [1, 2]})
    assert own_name("a", table) == own_name("a", pl.DataFrame({"y": [1, 2]})) != own_name("a", pl.DataFrame(other))


def test_nothing_else_is_downloaded_through_streamlit() -> None:
    """Results leave by the server's own routes, which ask who wants them: see tests/dashboard/test_routes.py."""
    found = []
    for path in DASHBOARD.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".download_button", ".file_uploader")):
                named = {each.arg: ast.unparse(each.value) for each in node.keywords}
                found.append((path.name, named["file_name"].partition("(")[0]))
    assert found == [("chart.py", "own_name")]
