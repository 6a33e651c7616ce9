"""A million rows in a browser: filters in the address, charts that are clicked, pages, downloads of a choice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from engine import Engine, Options, Settings
from tests.browser.serving import serve
from tests.million import ROWS, make_model, make_run


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """(address of a dashboard, id of its run of a million rows, the rows)."""
    folder = tmp_path_factory.mktemp("million")
    engine = Engine(Settings(home=folder, models=(make_model(folder / "models"),), accelerator="cpu"))
    run = make_run(engine, folder)
    frame = engine.results(run.id).scan().collect()
    engine.close()
    with serve(folder, models=folder / "models") as address:
        yield address, run.id, frame


@pytest.fixture
def look(browser: Browser, million: tuple[str, str, pl.DataFrame]) -> Iterator[Page]:
    """A page of a new visitor of that dashboard."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, base_url=million[0], accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def filters(page: Page) -> list[str]:
    """The filters in the page's address."""
    return parse_qs(urlsplit(page.url).query).get("f", [])


def cell(page: Page, column: int, row: int) -> str:
    return page.get_by_test_id(f"glide-cell-{column}-{row}").inner_text()


def test_the_table_shows_what_the_address_says(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    _, run, frame = million
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

    look.get_by_role("button", name="region is south").click()
    everywhere = frame.filter(pl.col("income") >= 60)
    expect(look.get_by_text(f"{everywhere.height:,} of {ROWS:,} rows")).to_be_visible()
    assert filters(look) == ["income~between~60~"]


def test_a_click_on_a_bar_is_a_filter_for_chart_table_and_download(
    look: Page, million: tuple[str, str, pl.DataFrame]
) -> None:
    _, run, frame = million
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


def test_a_brush_over_bins_is_a_range(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    _, run, frame = million
    look.goto(f"/result?run={run}&f=region~in~north")
    drawn = look.locator(".js-plotly-plot").nth(1).locator(".nsewdrag.drag").first
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


def test_the_threshold_moves_and_the_counts_follow(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    _, run, frame = million
    look.goto(f"/result?run={run}")
    slider = look.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    rows = frame.filter(pl.col("probability_default") >= 0.6).height
    expect(look.get_by_text(f"{rows:,}", exact=True)).to_be_visible()
    look.get_by_role("button", name=f"Show the {rows:,} rows from 0.60 on").click()
    expect(look.get_by_role("button", name="probability_default from 0.6")).to_be_visible()


def test_everything_is_reached_by_keyboard(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    """A filter is added, seen and removed without a mouse; charts and tables say what they show."""
    _, run, frame = million
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
    charts = look.get_by_test_id("stPlotlyChart")
    described = look.locator("[data-testid=stPlotlyChart] [aria-label], [data-testid=stPlotlyChart][aria-label]")
    assert described.count() >= charts.count() > 0


def test_a_stale_address_is_said_and_left_out(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    look.goto(f"/result?run={million[1]}&f=price~in~3&f=income~between~x~y&f=~~&page=99999999&sort=price")
    expect(look.get_by_text("The address asks for 'price~in~3', which these results do not have.")).to_be_visible()
    assert look.get_by_text("Something went wrong").count() == 0


def test_a_page_of_the_table_is_small(look: Page, million: tuple[str, str, pl.DataFrame]) -> None:
    """Under 200 kB come over the wire for the next page of a million rows."""
    received: list[int] = []
    look.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    look.goto(f"/result?run={million[1]}&tab=Table")
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text("1")
    settled(look)
    received.clear()
    look.get_by_role("button", name="Next page").click()
    expect(look.get_by_test_id("glide-cell-1-0")).to_have_text("51")
    settled(look)
    assert 0 < sum(received) < 200_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """(address of a dashboard, id of its run of each bundled model named here)."""
    folder = tmp_path_factory.mktemp("small")
    engine = Engine(Settings(home=folder, accelerator="cpu"))
    runs = {}
    for model in ("digits", "lorenz-state", "diabetes-progression"):
        title = engine.samples(model)[0].title
        run = engine.check(model, engine.sample_sources(model, title), keep_files=True)
        engine.submit(run.id, Options(on_error="report"))
        runs[model] = engine.wait(run.id).id
    engine.close()
    with serve(folder) as address:
        yield address, runs


def test_pictures_follow_the_filter_and_open(page: Page, small: tuple[str, dict[str, str]]) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['digits']}&f=prediction~in~8&pictures-order=Least+sure+first")
    tiles = page.get_by_role("listitem").get_by_role("button")
    expect(tiles.first).to_be_visible()
    assert {label.split(": ")[1].split(",")[0] for label in _labels(page)} == {"8"}
    sure = [float(text) for text in page.locator(".tiles .sure").all_inner_texts()]
    assert sure == sorted(sure)
    tiles.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("img").first).to_be_visible()


def _labels(page: Page) -> list[str]:
    found: list[str] = (
        page.get_by_role("listitem")
        .get_by_role("button")
        .evaluate_all("tiles => tiles.map(tile => tile.getAttribute('aria-label'))")
    )
    return found


def test_a_series_is_chosen_among_those_that_move_most(page: Page, small: tuple[str, dict[str, str]]) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['lorenz-state']}")
    grid = page.locator(".js-plotly-plot").nth(1)
    plots = grid.locator(".nsewdrag")
    expect(plots).to_have_count(12)
    title = grid.locator(".annotation-text").first.text_content()
    point = grid.locator(".scatterlayer .points path").nth(8)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y, steps=4)
    grid.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(x, y)
    expect(page.get_by_role("button", name=f"series is {title}", exact=False)).to_be_visible()
    expect(page.get_by_text("20 of 500 rows")).to_be_visible()


@pytest.mark.parametrize(("kind", "start"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_a_chart_is_saved_as_a_picture_and_as_numbers(
    page: Page, small: tuple[str, dict[str, str]], kind: str, start: bytes
) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['diabetes-progression']}")
    chart = page.locator(".js-plotly-plot").first
    expect(chart.locator(".bars .point path").first).to_be_visible()
    page.get_by_role("radio", name=kind).click()
    settled(page)
    page.mouse.move(0, 0)
    chart.hover()
    with page.expect_download() as picture:
        chart.locator(".modebar-btn").first.click()
    assert Path(picture.value.path()).read_bytes().startswith(start)
    with page.expect_download() as numbers:
        page.get_by_role("button", name="Numbers").first.click()
    found = pl.read_csv(io.BytesIO(Path(numbers.value.path()).read_bytes()))
    assert found.columns == ["lo", "hi", "count"]
    assert found["count"].sum() == 30
