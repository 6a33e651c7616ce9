"""A million rows in a browser, all on one run: table, charts, evaluation, one row, two runs, downloads, report."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from engine import Settings
from tests.browser.serving import card, serve, settled, shown
from tests.million import ROWS, make_model, make_other_run, make_run
from tests.pool import open_engine


@dataclass(frozen=True)
class Million:
    """A dashboard's address, the ids of its runs by two models, and the lines of both."""

    address: str
    run: str
    other: str
    frame: pl.DataFrame
    of_other: pl.DataFrame


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Million]:
    """Both runs made once, and a server that shows them."""
    folder = tmp_path_factory.mktemp("million")
    engine = open_engine(Settings(home=folder, models=(make_model(folder / "models"),), accelerator="cpu"))
    run = make_run(engine, folder)
    other = make_other_run(engine, run)
    lines = [engine.results(each.id).scan().collect() for each in (run, other)]
    engine.close()
    with serve(folder, forked=True, models=folder / "models") as address:
        yield Million(address, run.id, other.id, *lines)


@pytest.fixture
def look(browser: Browser, million: Million) -> Iterator[Page]:
    """A page of a new visitor of that dashboard."""
    size = {"width": 1440, "height": 1000}
    context = browser.new_context(viewport=size, base_url=million.address, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def filters(page: Page) -> list[str]:
    """The filters in the page's address."""
    return parse_qs(urlsplit(page.url).query).get("f", [])


def cell(page: Page, column: int, row: int) -> str:
    return page.get_by_test_id(f"glide-cell-{column}-{row}").inner_text()


def test_the_table_shows_what_the_address_says(look: Page, million: Million) -> None:
    run, frame = million.run, million.frame
    expected = frame.filter((pl.col("region") == "south") & (pl.col("income") >= 60)).sort(
        "debt", "row", descending=[True, False]
    )
    asked = "tab=Table&sort=debt&order=descending&size=25&page=2&f=region~in~south&f=income~between~60~"
    look.goto(f"/result?run={run}&{asked}")
    expect(look.get_by_text(f"{expected.height:,} of {ROWS:,} rows")).to_be_visible()
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text(str(expected["row"][25]))
    assert [cell(look, 1, place) for place in range(5)] == [str(row) for row in expected["row"][25:30]]

    look.get_by_role("button", name="Next page").click()
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text(str(expected["row"][50]))
    assert "page=3" in look.url

    look.get_by_role("combobox", name="Columns").fill("debt")
    look.get_by_role("option", name="debt", exact=True).click()
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text(f"{expected['debt'][50]:g}")
    assert parse_qs(urlsplit(look.url).query)["columns"] == ["debt"]
    look.keyboard.press("Escape")  # the list of columns hides what is behind it

    look.get_by_role("button", name="region is south").click()
    everywhere = frame.filter(pl.col("income") >= 60)
    expect(look.get_by_text(f"{everywhere.height:,} of {ROWS:,} rows")).to_be_visible()
    assert filters(look) == ["income~between~60~"]


def test_a_click_on_a_bar_is_a_filter_for_chart_table_and_download(look: Page, million: Million) -> None:
    run, frame = million.run, million.frame
    defaults = frame.filter(pl.col("prediction") == "default")
    look.goto(f"/result?run={run}")
    bars = look.locator(".js-plotly-plot").first.locator(".bars .point path")
    expect(bars).to_have_count(2)
    box = bars.nth(1).bounding_box()
    assert box is not None
    look.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2, steps=4)
    look.locator(".js-plotly-plot .hoverlayer .hovertext").first.wait_for()
    look.mouse.click(box["x"] + 30, box["y"] + box["height"] / 2)
    expect(look.get_by_role("button", name="prediction is default")).to_be_visible()
    expect(look.get_by_text(f"{defaults.height:,} of {ROWS:,} rows")).to_be_visible()
    assert filters(look) == ["prediction~in~default"]

    look.get_by_role("tab", name="Table").click()
    expect(look.get_by_test_id("glide-cell-2-0")).to_have_text("default")
    assert cell(look, 1, 0) == str(defaults["row"][0])

    look.get_by_role("button", name="More downloads").click()
    look.get_by_text(f"These filters: {defaults.height:,} rows").wait_for()
    with look.expect_download() as download:
        look.get_by_role("link", name="CSV · about").click()
    found = pl.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()), infer_schema=False)
    assert found["row"].to_list() == [str(row) for row in defaults["row"]]
    assert set(found["prediction"]) == {"default"}
    assert "'=islands" in set(found["region"])  # no spreadsheet runs it


def test_a_brush_over_bins_is_a_range(look: Page, million: Million) -> None:
    run, frame = million.run, million.frame
    look.goto(f"/result?run={run}&f=region~in~north")
    chart = look.locator(".js-plotly-plot").nth(1)
    expect(chart.locator(".bars .point path").first).to_be_visible()
    settled(look)
    drawn = chart.locator(".nsewdrag.drag").first
    drawn.scroll_into_view_if_needed()
    box = drawn.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    look.mouse.move(box["x"] + box["width"] * 0.45, middle)
    look.mouse.down()
    look.mouse.move(box["x"] + box["width"] * 0.75, middle + 20, steps=8)
    look.mouse.up()
    expect(look.get_by_role("button", name="Clear all")).to_be_visible()
    column, op, low, high = filters(look)[1].split("~")
    assert (column, op) == ("confidence", "bin")
    within = frame.filter(
        (pl.col("region") == "north") & (pl.col("confidence") >= float(low)) & (pl.col("confidence") < float(high))
    )
    assert 0 < within.height < frame.height
    expect(look.get_by_text(f"{within.height:,} of {ROWS:,} rows")).to_be_visible()


def test_the_threshold_moves_and_the_counts_follow(look: Page, million: Million) -> None:
    run, frame = million.run, million.frame
    look.goto(f"/result?run={run}")
    slider = look.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    rows = frame.filter(pl.col("probability_default") >= 0.6).height
    expect(look.get_by_text(f"{rows:,}", exact=True)).to_be_visible()
    look.get_by_role("button", name=f"Show the {rows:,} rows from 0.60 on").click()
    expect(look.get_by_role("button", name="probability_default from 0.6")).to_be_visible()


def test_everything_is_reached_by_keyboard(look: Page, million: Million) -> None:
    """A filter is added, seen and removed without a mouse; charts and tables say what they show."""
    run, frame = million.run, million.frame
    look.goto(f"/result?run={run}")
    look.get_by_label("Search all texts").focus()
    look.keyboard.type("C-00123")
    look.keyboard.press("Enter")
    found = frame.filter(pl.col("customer").str.contains("C-00123"))
    chip = look.get_by_role("button", name="any text has “C-00123”")
    expect(chip).to_be_visible()
    expect(look.get_by_text(f"{found.height:,} of {ROWS:,} rows")).to_be_visible()
    chip.focus()
    look.keyboard.press("Enter")
    expect(chip).to_be_hidden()
    settled(look)

    look.get_by_role("button", name="Filter", exact=True).focus()
    look.keyboard.press("Enter")
    least = look.get_by_label("From", exact=True)
    least.fill("999990")
    least.press("Enter")
    apply = look.get_by_role("button", name="Show these rows")
    expect(apply).to_be_enabled()
    apply.focus()
    look.keyboard.press("Enter")
    expect(look.get_by_role("button", name="row from 999,990")).to_be_visible()
    expect(look.get_by_text(f"11 of {ROWS:,} rows")).to_be_visible()
    expect(apply).to_be_hidden()
    charts = look.get_by_test_id("stPlotlyChart")
    described = look.locator("[data-testid=stPlotlyChart] [aria-label], [data-testid=stPlotlyChart][aria-label]")
    assert described.count() >= charts.count() > 0


def test_a_stale_address_is_said_and_left_out(look: Page, million: Million) -> None:
    look.goto(f"/result?run={million.run}&f=price~in~3&f=income~between~x~y&f=~~&page=99999999&sort=price")
    expect(look.get_by_text("The address asks for 'price~in~3', which these results do not have.")).to_be_visible()
    assert look.get_by_text("Something went wrong").count() == 0


def test_a_page_of_the_table_is_small(look: Page, million: Million) -> None:
    """Under 200 kB come over the wire for the next page of a million rows."""
    received: list[int] = []
    look.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    look.goto(f"/result?run={million.run}&tab=Table")
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text("1")
    settled(look)
    received.clear()
    look.get_by_role("button", name="Next page").click()
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text("51")
    settled(look)
    assert 0 < sum(received) < 200_000


def test_a_million_rows_are_judged_by_their_labels(look: Page, million: Million) -> None:
    """Figures of all rows; a click on a cell of the matrix leaves its rows, and the figures follow."""
    lines = million.frame.filter(pl.col("status") == "ok")
    mixed = lines.filter((pl.col("outcome") == "default") & (pl.col("prediction") == "paid")).height
    look.goto(f"/result?run={million.run}&tab=Evaluation")
    expect(look.get_by_text(f"{lines.height:,} rows judged by the labels in outcome.")).to_be_visible()
    right = lines.filter(pl.col("prediction") == pl.col("outcome")).height
    assert shown(look, "Accuracy") == f"{right / lines.height:.1%}"
    expect(look.get_by_role("button", name=f"default taken for paid: {mixed:,} rows")).to_be_visible()
    matrix = look.locator(".js-plotly-plot").first
    matrix.locator(".scatterlayer text", has_text=f"{mixed:,}").click(force=True)
    expect(look.get_by_text(f"{mixed:,} rows judged by the labels in outcome.")).to_be_visible()
    assert shown(look, "Accuracy") == "0.0%"
    assert filters(look) == ["outcome~in~default", "prediction~in~paid"]


def test_one_row_of_a_million_and_what_if(look: Page, million: Million) -> None:
    line = million.frame.row(777_776, named=True)
    look.goto(f"/result?run={million.run}&tab=Rows&row=777777")
    expect(look.get_by_label("Row, 1 to 1,000,000")).to_have_value("777777")
    expect(card(look, "confidence")).to_have_text(f"{line['confidence']:.4g}")
    look.get_by_text("Change the values and see what comes out").click()
    expect(look.get_by_text("As in row 777,777")).to_be_visible()
    slider = look.get_by_role("slider", name="income (k€)")
    slider.press("ArrowRight")
    expect(look.get_by_text("With 1 value changed")).to_be_visible()
    income = float(slider.get_attribute("aria-valuenow") or slider.input_value())
    assert 0 < income - line["income"] < 2
    share = 1 / (1 + math.exp(-(-0.02 * income + 0.05 * line["debt"] + 0.4 * line["late_payments"] - 1.2)))
    changed = look.get_by_test_id("stMetric").filter(has_text="confidence").last.get_by_test_id("stMetricValue")
    expect(changed).not_to_have_text(f"{line['confidence']:.4g}")
    assert abs(float(changed.inner_text()) - max(share, 1 - share)) < 1e-3
    look.get_by_role("button", name="Next", exact=True).click()
    expect(look).to_have_url(re.compile("row=777778"))
    expect(look.get_by_label("Row, 1 to 1,000,000")).to_have_value("777778")


def test_two_runs_of_a_million_rows_with_the_same_filters(look: Page, million: Million) -> None:
    """The comparison is of the rows chosen on the run's page, and its chips take filters away."""
    lines = million.frame.with_columns(other=million.of_other["prediction"]).filter(pl.col("status") == "ok")
    sure = lines.filter((pl.col("region") == "south") & (pl.col("confidence") >= 0.8))
    right = million.of_other.join(sure.select("row"), on="row", how="semi")
    look.goto(f"/result?run={million.run}&f=region~in~south&f=confidence~between~0.8~&tab=Table")
    look.get_by_role("link", name="Compare").click()
    look.wait_for_url("**/compare?*")
    settled(look)
    look.goto(f"{look.url.partition('&b=')[0]}&b={million.other}")
    expect(card(look, "Agreement")).to_have_text(f"{(sure['prediction'] == sure['other']).mean():.1%}")
    expect(look.get_by_text(f"{sure.height:,} of {ROWS:,} rows")).to_be_visible()
    accuracy = (right["prediction"] == right["outcome"]).mean()
    assert look.get_by_test_id("glide-cell-2-0").first.inner_text() == f"{accuracy:.1%}"
    look.get_by_role("button", name="confidence from 0.8").click()
    south = lines.filter(pl.col("region") == "south")
    expect(card(look, "Agreement")).to_have_text(f"{(south['prediction'] == south['other']).mean():.1%}")
    look.get_by_role("link", name="Back to the run").click()
    expect(look.get_by_role("button", name="region is south")).to_be_visible()


def test_a_filter_goes_into_every_format(look: Page, million: Million) -> None:
    chosen = million.frame.filter((pl.col("region") == "Übersee") & (pl.col("income") > 150))
    assert 0 < chosen.height < 5_000
    look.goto(f"/result?run={million.run}&f=region~in~Übersee&f=income~between~150.01~")
    look.get_by_role("button", name="More downloads").click()
    look.get_by_text(f"These filters: {chosen.height:,} rows").wait_for()
    for label, read in (("Parquet", pl.read_parquet), ("JSON Lines", pl.read_ndjson), ("Excel", pl.read_excel)):
        with look.expect_download() as download:
            look.get_by_role("link", name=label).click()
        found = read(download.value.path())
        assert found["row"].to_list() == chosen["row"].to_list(), label
        assert found["customer"].to_list() == chosen["customer"].to_list(), label


def test_the_report_of_a_million_rows(look: Page, million: Million) -> None:
    look.goto(f"/result?run={million.run}")
    look.get_by_role("button", name="Report").click()
    with look.context.expect_page() as opening:
        look.get_by_role("link", name="Open", exact=True).click()
    expect(opening.value.locator(".chart .main-svg").first).to_be_visible()
    assert opening.value.title().startswith("Loans that are not paid back")
    expect(opening.value.get_by_text("1,000,000 of 1,000,000 done, 10 of them not predicted")).to_be_visible()
    with look.expect_download() as download:
        look.get_by_role("link", name="Save as a file").click()
    assert download.value.suggested_filename == "loans_loans.html"
    assert download.value.path().read_text().startswith("<!doctype html>")
