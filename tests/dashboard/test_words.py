"""What visitors read: escaped names, counts, times, digits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dashboard.glossary import meaning
from dashboard.words import code, count, day, decimals, duration, listed, number, plain, short, size, visible, when

HOSTILE = (
    "![x](http://evil.example/x.png)",
    "<img src=http://evil.example/y.png>",
    "[a](http://evil.example)",
    ":red[hi] :material/face: :tada:",
    "$x^2$ `code` **bold** _it_ ~~gone~~",
    "# heading",
    "1. list",
    "> quote\n\n![x](http://evil.example)",
    "a\\![x](http://evil.example/x.png)",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_plain_shows_exactly_the_characters(name: str) -> None:
    (block, inline, _) = MarkdownIt("commonmark", {"html": True}).enable("strikethrough").parse(plain(name))

    assert block.type == "paragraph_open"
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children or [])
    assert shown.replace("\u2060", "") == " ".join(name.split())


@given(st.text("ab1 \\`*_{}[]()<>#+-.!|~$&^=@:\"'/\n\t;", max_size=24))
def test_plain_shows_any_characters(name: str) -> None:
    test_plain_shows_exactly_the_characters(f"x{name}x")
    if plain(name):
        test_plain_shows_exactly_the_characters(name)


@pytest.mark.parametrize(
    "name", ["mean_radius (px)", "-2.5 to 3.1 °C", "late-payments", "1.5 m/s", "it's 100 %", "row 7: seen, 3+4", "a.b"]
)
def test_plain_leaves_alone_what_markdown_does_not_read(name: str) -> None:
    """A label's source is what a screen reader says."""
    assert plain(name) == name


def test_plain_breaks_what_is_read_in_spite_of_escapes() -> None:
    assert "http://" not in plain("http://evil.example").replace("\\", "")
    assert "www." not in plain("www.evil.example").replace("\\", "")
    assert ":tada:" not in plain(":tada:").replace("\\", "")


@pytest.mark.parametrize("shown", [plain, code, short])
def test_no_name_is_shown_in_another_order_than_written(shown: Callable[[str], str]) -> None:
    assert shown("invoice\u202efdp.exe\u2066").strip("`") == "invoice�fdp.exe�"


def test_plain_cuts_long_names() -> None:
    assert plain("x" * 1000, most=10) == "x" * 9 + "…"


def test_code_cannot_be_left() -> None:
    assert code("a`b ![x](y)`") == "`aˋb ![x](y)ˋ`"
    assert code(" ") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (25.0, "25"),
        (151.23456, "151.2"),
        (0.0380759, "0.03808"),
        (12_300.4, "12,300"),
        (-2.6921, "-2.692"),
        (1.2e12, "1.2e+12"),
        (3e-7, "3e-07"),
        (float("nan"), "–"),
    ],
)
def test_number_has_sensible_digits(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.01, "less than 0.1 s"),
        (3.24, "3.2 s"),
        (38.4, "38 s"),
        (125, "2 min 5 s"),
        (120, "2 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("octets", "shown"), [(512, "512 B"), (34_000, "34 kB"), (1_230_000, "1.2 MB"), (5 * 10**12, "5.0 TB")]
)
def test_size(octets: int, shown: str) -> None:
    assert size(octets) == shown


@pytest.mark.parametrize(("largest", "places"), [(0.5, 4), (5.0, 3), (123.0, 1), (1e6, 0), (0.0, 0), (float("inf"), 0)])
def test_decimals(largest: float, places: int) -> None:
    assert decimals(largest) == places


def test_counts_and_lists() -> None:
    assert count(1, "row") == "1 row"
    assert count(1_000_000, "row") == "1,000,000 rows"
    assert count(2, "class", "classes") == "2 classes"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_visible_shows_spaces_at_the_ends() -> None:
    assert visible(" S6 ") == "␣S6␣"
    assert visible("S 6") == "S 6"
    assert visible("  ") == "␣␣"


def test_short_keeps_both_ends() -> None:
    assert short("measurements-of-the-year-2026.csv", 21) == "measuremen…r-2026.csv"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("", ""),
        ("2026-05-01T11:59:30+00:00", "just now"),
        ("2026-05-01T11:30:00+00:00", "30 min ago"),
        ("2026-05-01T02:00:00+00:00", "10 h ago"),
        ("2026-04-01T12:00:00+00:00", "01 Apr 2026"),
    ],
)
def test_when(moment: str, shown: str) -> None:
    assert when(moment, datetime(2026, 5, 1, 12, tzinfo=UTC)) == shown


def test_a_day() -> None:
    assert day("2026-12-01T09:30:00+00:00") == "1 December 2026"
    assert day("2026-12-31") == "31 December 2026"


@pytest.mark.parametrize(
    ("name", "found"),
    [("RMSE", "typical error"), ("R2 of body mass", "what varies"), ("Micro F1", "labels"), ("Nearest", ""), ("", "")],
)
def test_figures_are_explained_where_their_name_is_common(name: str, found: str) -> None:
    assert found in meaning(name)
    assert bool(found) == bool(meaning(name))
