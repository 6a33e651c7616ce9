"""Filters in addresses: what is written is read again, whatever the names; what is none is said and left out."""

from __future__ import annotations

from urllib.parse import parse_qsl

import polars as pl
import pytest

from dashboard.address import query, read_filters, said, written
from engine import Filter, ResultColumn

COLUMNS = (
    ResultColumn("row", "integer", "row"),
    ResultColumn("a~b %7E&=ü", "text", "extra"),
    ResultColumn("size", "number", "input", "kg"),
    ResultColumn("new", "boolean", "extra"),
)
ODD = COLUMNS[1].name
FILTERS = [
    Filter("row", "in", (7,)),
    Filter(ODD, "in", ("x", "~", "%null", "%7E", "", None)),
    Filter(ODD, "contains", ("a~b",)),
    Filter("", "search", ("100 % & more",)),
    Filter("size", "between", (-1.5, None)),
    Filter("size", "between", (None, 1e-7)),
    Filter("size", "bin", (0.1, 0.15)),
    Filter("new", "in", (True, None)),
    Filter(ODD, "filled"),
]


@pytest.mark.parametrize("each", FILTERS, ids=written)
def test_what_is_written_is_read_again(each: Filter) -> None:
    through = [value for _, value in parse_qsl(query([each]), keep_blank_values=True)]
    assert read_filters(through, COLUMNS) == ((each,), ())


@pytest.mark.parametrize("digits", ["25", "1_000", "1" + "0" * 20, "1" + "0" * 300])
def test_numbers_are_of_the_columns_kind(digits: str) -> None:
    """Polars compares a column with numbers of its own kind alone, and knows none beyond 64 bits."""
    frame = pl.DataFrame({"row": [1, 25, 1_000], "size": [1.0, 25.0, 1e3]}).lazy()
    for value in (f"row~in~{digits}", f"size~in~{digits}", f"size~between~{digits}~", f"row~between~~{digits}"):
        found, unread = read_filters([value], COLUMNS)
        assert len(found) + len(unread) == 1
        lines = frame.filter(*(each.expression() for each in found)).collect()
        assert lines.height == 1 or len(digits) > 5 or "between" in value
    assert read_filters(["row~in~1.5"], COLUMNS)[1]


def test_filters_have_an_end() -> None:
    values = [f"size~between~{number}~" for number in range(101)]
    assert len(read_filters(values[:-1], COLUMNS)[0]) == 100
    assert read_filters(values, COLUMNS) == ((), ("The address asks for 101 filters; 100 are read. All are left out.",))


def test_addresses_are_short_and_readable() -> None:
    where = [Filter("size", "bin", (0.6, 0.7)), Filter("new", "in", (True,)), Filter("size", "between", (10.0, None))]
    assert query(where) == "f=size~bin~0.6~0.7&f=new~in~true&f=size~between~10~"


@pytest.mark.parametrize(
    "value",
    ["", "~", "~~~", "price~in~1", "size~in", "size~bin~1", "size~between~~", "size~between~nan~1",
     "size~between~1e999~", "size~between~x~y", "new~in~maybe", f"{'x' * 9_000}~in~1", "size~delete~1",
     "row~bin~a~b", "a%b~in~1"],
)  # fmt: skip
def test_what_is_no_filter_is_said(value: str) -> None:
    found, sentences = read_filters([value, "size~between~1~2"], COLUMNS)
    assert found == (Filter("size", "between", (1, 2)),)
    assert len(sentences) == 1
    assert "It is left out." in sentences[0]


def test_filters_are_said_as_people_say_them() -> None:
    assert said(Filter("size", "bin", (0.6, 0.7)), "kg") == "size 0.6 – 0.7 kg"
    assert said(Filter("size", "between", (None, 20.0))) == "size up to 20"
    assert said(Filter("size", "between", (20, None))) == "size from 20"
    assert said(Filter("c", "in", ("a", "b"))) == "c is a or b"
    assert said(Filter("c", "in", ("a", "b", "c", None))) == "c is a, b or 2 more"
    assert said(Filter("c", "in", (None,))) == "c is empty"
    assert said(Filter("", "search", ("x",))) == "any text has “x”"
