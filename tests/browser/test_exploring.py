"""Pictures, series and saved charts in a browser: what a run of a few rows shows as well as a large one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from engine import Options, Settings
from tests.browser.serving import click_mark, serve, settled
from tests.pool import open_engine


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """(address of a dashboard, id of its run of each bundled model named here)."""
    folder = tmp_path_factory.mktemp("small")
    engine = open_engine(Settings(home=folder, accelerator="cpu"))
    runs = {}
    for model in ("digits", "lorenz-state", "diabetes-progression"):
        title = engine.samples(model)[0].title
        run = engine.check(model, engine.sample_sources(model, title), keep_files=True)
        engine.submit(run.id, Options(on_error="report"))
        runs[model] = engine.wait(run.id).id
    engine.close()
    with serve(folder, forked=True) as address:
        yield address, runs


def test_pictures_follow_the_filter_and_open(page: Page, small: tuple[str, dict[str, str]]) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['digits']}&f=prediction~in~8&pictures-order=Least+sure+first")
    tiles = page.get_by_role("listitem").get_by_role("button")
    expect(tiles.first).to_be_visible()
    assert {label.split()[2] for label in _labels(page)} == {"8"}
    sure = [float(text) for text in page.locator(".tiles .sure").all_inner_texts()]
    assert sure == sorted(sure)
    tiles.first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("img").first).to_be_visible()


def _labels(page: Page) -> list[str]:
    found: list[str] = (
        page.get_by_role("listitem").get_by_role("button").evaluate_all("tiles => tiles.map(tile => tile.innerText)")
    )
    return found


def test_a_series_is_chosen_among_those_that_move_most(page: Page, small: tuple[str, dict[str, str]]) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['lorenz-state']}")
    grid = page.locator(".js-plotly-plot").nth(1)
    plots = grid.locator(".nsewdrag")
    expect(plots).to_have_count(12)
    title = grid.locator(".annotation-text").first.text_content()
    click_mark(page, grid.locator(".scatterlayer .points path").nth(8))
    expect(page.get_by_role("button", name=f"series is {title}", exact=False)).to_be_visible()
    expect(page.get_by_text("20 of 500 rows")).to_be_visible()


def test_a_chart_is_saved_as_a_picture_and_as_numbers(page: Page, small: tuple[str, dict[str, str]]) -> None:
    page.goto(f"{small[0]}/result?run={small[1]['diabetes-progression']}")
    chart = page.locator(".js-plotly-plot").first
    expect(chart.locator(".bars .point path").first).to_be_visible()
    for kind, button, start in (("SVG", "Download plot", b"<svg"), ("PNG", "Download plot as a PNG", b"\x89PNG")):
        page.get_by_role("radio", name=kind).click()
        saves = chart.locator(".modebar-btn").first
        expect(saves).to_have_attribute("data-title", button)  # the chart of before saves as before
        settled(page)
        page.mouse.move(0, 0)
        chart.hover()
        with page.expect_download() as picture:
            saves.click()
        assert Path(picture.value.path()).read_bytes().startswith(start)
    with page.expect_download() as numbers:
        page.get_by_role("button", name="Numbers").first.click()
    found = pl.read_csv(io.BytesIO(Path(numbers.value.path()).read_bytes()))
    assert found.columns == ["lo", "hi", "count"]
    assert found["count"].sum() == 30
