"""Threat 9: texts that a table reader which guesses would misread without a word."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from engine.cards.card import ModelCard
from engine.errors import ReadError
from tests.threats.reading import TABLE, messages, read

WHOLE = ModelCard.model_validate({**TABLE.model_dump(), "signature": [{"name": n, "type": "integer"} for n in "ab"]})


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("id,a,b\n00123,1,2\n", ("00123", 1.0, 2.0)),
        ("id,a,b\n1e5,1,2\n", ("1e5", 1.0, 2.0)),
        ("id,a,b\nTRUE,1,2\n", ("TRUE", 1.0, 2.0)),
        ("id,a,b\n2024-01-02,1,2\n", ("2024-01-02", 1.0, 2.0)),
        ("id,a,b\nNA,1,2\n", ("NA", 1.0, 2.0)),
        ("id,a,b\n 5 ,1,2\n", (" 5 ", 1.0, 2.0)),
        ("id,a,b\n9007199254740993,1,2\n", ("9007199254740993", 1.0, 2.0)),
        ("id;a;b\n1,5;1,5;2,5\n", ("1,5", 1.5, 2.5)),
        ('id,a,b\n"x\ny",1,2\n', ("x\ny", 1.0, 2.0)),
        ('id,a,b\n"say ""a"", b",1,2\n', ('say "a", b', 1.0, 2.0)),
        ("\ufeffid,a,b\n1,1,2\n", ("1", 1.0, 2.0)),
        ("id,a,b\r\n1,1,2\r\n", ("1", 1.0, 2.0)),
        ("id,a,b\r1,1,2\r", ("1", 1.0, 2.0)),
        ("id,a,b\n1,1,2", ("1", 1.0, 2.0)),
        ("id,a,b\n=1+1,1,2\n", ("=1+1", 1.0, 2.0)),
        ("\n\nid,a,b\n1,1,2\n", ("1", 1.0, 2.0)),
    ],
)
def test_cells_come_as_they_stand(tmp_path: Path, text: str, row: tuple[object, ...]) -> None:
    report, rows = read(write(tmp_path, text))
    assert report.clean
    assert rows.rows() == [row]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("NA", "NA"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("50%", "50%"),
        ("1 000", "1 000"),
        ("١٢", "١٢"),
        ("−1", "−1"),
        ("1.2.3", "1.2.3"),
        ("12e", "12e"),
        ('"1,000"', "1,000"),
        ("true", "true"),
        ("$5", "$5"),
        ("5 kg", "5 kg"),
    ],
)
def test_what_is_no_number_is_a_problem_with_its_row(tmp_path: Path, cell: str, found: str) -> None:
    report, rows = read(write(tmp_path, f"a,b\n1,2\n{cell},2\n"))
    assert (report.n_rows, report.n_good) == (2, 1)
    assert f"Column 'a', row 2: found '{found}', expected a number." in messages(report)
    assert rows["__fault"].to_list()[0] is None


@pytest.mark.parametrize("cell", ["1.5", "1e400", "9223372036854775808", "1e300", "x"])
def test_what_is_no_whole_number(tmp_path: Path, cell: str) -> None:
    report, _ = read(write(tmp_path, f"a,b\n1,2\n{cell},2\n"), card=WHOLE)
    assert report.n_good == 1


def test_a_point_among_decimal_commas_is_not_guessed_at(tmp_path: Path) -> None:
    report, rows = read(write(tmp_path, "a;b\n" + "1,5;2,5\n" * 300 + "1.234;7\n"))
    assert (report.n_good, rows["a"][0]) == (300, 1.5)
    assert "Column 'a', row 301: found '1.234', expected a number." in messages(report)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3,4\n", "has no header: its first line is 1, 2"),
        ("a,a,b\n1,2,3\n", "column 'a' stands in the header twice"),
        ("a,b\n1,2,3\n", "line 2: found 3 fields, expected 2"),
        ("a,b\n1,2,\n", "line 2: found 3 fields, expected 2"),
        ('a,b,id\n1,2,"x\n3,4,y\n', r'line 2: a quote \("\) is opened here and not closed'),
        ('id,a,b\n1,1,2\n"x,1,2\n' + "y,3,4\n" * 30_000, r'line 3: a quote \("\) is opened here'),
        ('id,a,b\n"x\ny",1,2\n5" pipe,1,2\n', r'line 4: a quote \("\) stands inside a cell'),
        ('id,a,b\n5" pipe,1,2\ny,3,4\n6" pipe,5,6\n', r'line 2: a quote \("\) stands inside a cell'),
        ('id,a,b\n"x"y,1,2\n', r'line 2: a quote \("\) stands inside a cell'),
        ("id,a,b\n" + "x,1,2\n" * 60_000 + "x\0,1,2\n", "holds zero bytes"),
        ("a,b\n1," + "2" * 1_700_000 + "\n", "a line of more than 1,640,000 bytes"),
        ("a,b,id\n1,2," + '"' + "x\n" * 600_000 + '"\n', "a cell of column 'id' has 1,200,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "fatal"),
    [("x,1,2\ny,3,4\n", "column 'a' is missing"), ("a,b\n", "not one row"), ("a,b\n\n\n", "not one row")],
)
def test_what_nothing_can_be_predicted_of(tmp_path: Path, text: str, fatal: str) -> None:
    report, _ = read(write(tmp_path, text))
    assert report.fatal
    assert fatal in " ".join(messages(report))


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n\r\n\r\n", "\n" * 100_000])
def test_empty_lines_at_the_end_are_no_rows(tmp_path: Path, end: str) -> None:
    report, rows = read(write(tmp_path, "a,b\n1,2\n3,4" + end))
    assert report.clean
    assert rows.rows() == [(1.0, 2.0), (3.0, 4.0)]


def test_an_empty_line_in_the_middle_is_a_row_that_fails(tmp_path: Path) -> None:
    report, _ = read(write(tmp_path, "a,b\n1,2\n\n3,4\n"))
    assert (report.n_rows, report.n_good) == (3, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,id\n1,2,x\n3,4\n", "line 3 is cut short: found 2 of 3 cells"),
        ('a,b,id\n1,2,"x\n,"\n3,4\n5,6\n', "2 lines are, the first is line 4, cut short: found 2 of 3 cells"),
        ("a,b,id\n1,2,\n", ""),
        ('a,b,id\n1,2,""\n', ""),
    ],
)
def test_lines_that_are_cut_short_are_said_to_be(tmp_path: Path, text: str, words: str) -> None:
    report, _ = read(write(tmp_path, text))
    notes = [problem.message for problem in report.problems if problem.code == "short-lines"]
    assert (words in notes[0]) if words else not notes


@pytest.mark.parametrize("name", ["__fault", "__row", "__pixels", "row", "status", "error", "y"])
def test_columns_that_are_called_like_our_own(tmp_path: Path, name: str) -> None:
    report, rows = read(write(tmp_path, f"a,b,{name}\n1,2,kept\nx,2,kept\n"))
    assert (report.n_rows, report.n_good) == (2, 1)
    assert rows[f"input_{name}"].to_list() == ["kept", "kept"]


def test_a_column_called_file_in_several_files(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("1.csv", "2.csv")]
    for path in paths:
        path.write_text("a,b,file\n1,2,mine\n")
    _, rows = read(*paths)
    assert rows["input_file"].to_list() == ["mine", "mine"]
    assert rows["file"].to_list() == ["1.csv", "2.csv"]


CELL = some.text(some.sampled_from('ab1.,;"\n\r \t|é-'), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(rows=[['"""', '"1""']], quoted=False)  # as many quotes as there should be, and none where it should be
@given(rows=some.lists(some.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=6), quoted=some.booleans())
def test_what_is_read_is_what_stands_there(tmp_path: Path, rows: list[list[str]], quoted: bool) -> None:
    """Against Python's own strict reader: the same cells, or a refusal; never other ones."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    bare = "\n".join(",".join(row) for row in rows).replace("\r", "")  # alone, it is a line's end to Python
    path = write(tmp_path, "a,b,id\n" + (text.getvalue() if quoted else bare))
    try:
        _, found = read(path)
    except ReadError:
        return
    if found.is_empty():
        return
    records = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), strict=True))[1:]
    while records and not records[-1]:
        records.pop()
    wanted = [(record[2] if len(record) > 2 else None) or None for record in records]
    assert [cell or None for cell in found["id"].to_list()] == wanted
    assert all(math.isfinite(value) for value in found["a"].drop_nulls())
