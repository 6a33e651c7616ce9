"""Runs outlive the browser: a closed tab, another person, a killed server; and the page stays quick meanwhile."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from engine.settings import BUNDLED_MODELS
from tests.browser.serving import served, settled
from tests.browser.test_main_job import downloaded, upload
from tests.engine.trouble import write_rows, write_trouble


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trouble(tmp_path_factory.mktemp("trouble"))


@pytest.fixture(scope="module")
def models(trouble: Path) -> str:
    return os.pathsep.join((str(trouble), str(BUNDLED_MODELS)))


@pytest.fixture
def hurry(trouble: Path) -> Iterator[Path]:
    """The file that, once it is there, lets the slow model be quick; the test makes it."""
    mark = trouble / "slower" / "hurry"
    yield mark
    mark.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: str) -> Iterator[str]:
    """A dashboard with a slow model beside the bundled ones; several devices would be done with it too soon."""
    with served(tmp_path_factory.mktemp("home"), forked=True, models=models, devices=1) as (address, _):
        yield address


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many that the slow model has some seconds to do."""
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv", 300_000)


def begin(page: Page, rows: Path) -> str:
    """Starts the slow run and returns its address."""
    upload(page, "slower", [rows])
    page.get_by_role("button", name="Predict 300,000 rows").click()
    page.wait_for_url("**/result?run=*")
    expect(page.get_by_text("Predicting")).to_be_visible()
    return page.url


def test_a_run_goes_on_without_its_tab_and_others_watch_it(
    page: Page, browser: Browser, rows: Path, hurry: Path
) -> None:
    address = begin(page, rows)
    context = page.context
    page.close()
    other = browser.new_page()
    other.set_default_timeout(60_000)
    other.goto(address)
    expect(other.get_by_text("Predicting")).to_be_visible()
    expect(other.get_by_role("button", name="Cancel")).to_have_count(0)
    again = context.new_page()
    again.goto("/runs")
    expect(again.get_by_text("of 300,000 rows")).to_be_visible()
    again.get_by_role("link", name="Open").click()
    again.get_by_role("button", name="Cancel", exact=True).click()
    expect(again.get_by_text("Cancelled.")).to_be_visible()
    expect(other.get_by_text("Cancelled.")).to_be_visible()
    name, content = downloaded(again)
    assert name == "slower_rows_partial.csv"
    kept = len(pl.read_csv(content))
    assert 0 < kept < 300_000
    again.reload()
    expect(again.get_by_text(f"{kept:,} of 300,000 rows are kept")).to_be_visible()
    hurry.touch()
    again.get_by_role("button", name="Resume").click()
    expect(again.get_by_text("finished in")).to_be_visible()
    assert len(pl.read_csv(downloaded(again)[1])) == 300_000
    other.close()


def test_another_visitor_sees_none_of_my_runs(page: Page, browser: Browser, server: str) -> None:
    page.goto("/?model=breast-cancer")
    page.get_by_role("button", name="40 biopsies").click()
    page.get_by_role("button", name="Predict 40 rows").click()
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    stranger = browser.new_page(base_url=server)
    stranger.goto("/runs")
    expect(stranger.get_by_text("You have predicted nothing here yet")).to_be_visible()
    stranger.goto(page.url)
    expect(stranger.get_by_role("link", name="Download CSV")).to_be_visible()
    expect(stranger.get_by_role("button", name="Manage")).to_have_count(0)
    stranger.close()


def test_a_run_is_run_again_with_another_model(page: Page) -> None:
    page.goto("/?model=breast-cancer")
    page.get_by_role("button", name="40 biopsies").click()
    page.get_by_role("button", name="Predict 40 rows").click()
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    first = page.url
    page.get_by_role("button", name="Manage").click()
    page.get_by_role("button", name="Run again").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Predict").click()
    page.wait_for_url(lambda address: address != first)
    settled(page)  # the first run's menu and link are gone
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Manage").click()
    page.get_by_role("button", name="Run again").click()
    dialog.get_by_role("combobox").fill("Diabetes")
    page.get_by_role("option", name="Diabetes progression").click()
    dialog.get_by_role("button", name="Predict").click()
    expect(dialog.get_by_text("column 'age' is missing")).to_be_visible()


def test_a_killed_server_comes_back_with_everything(
    browser: Browser, tmp_path: Path, models: str, rows: Path, hurry: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with served(home, forked=True, models=models, devices=1) as (address, process):
        context = browser.new_context(base_url=address)
        context.set_default_timeout(60_000)
        page = context.new_page()
        run = begin(page, rows)
        port = int(address.rpartition(":")[2])
        process.send_signal(signal.SIGKILL)
        process.wait()
    hurry.touch()
    with served(home, port=port, forked=True, models=models, devices=1):
        page.goto(run)
        expect(page.get_by_text("finished in")).to_be_visible(timeout=120_000)
        assert len(pl.read_csv(downloaded(page)[1])) == 300_000
        context.close()


def test_the_page_is_as_quick_during_a_prediction(page: Page, rows: Path) -> None:
    """Measured, and printed; a test asserts no times, only that every click is answered meanwhile."""
    idle = statistics.median(_clicks(page))
    other = page.context.new_page()
    begin(other, rows)
    busy = statistics.median(_clicks(page))
    print(f"an interaction: {idle * 1e3:.0f} ms idle, {busy * 1e3:.0f} ms during a prediction, × {busy / idle:.2f}")
    other.close()


def _clicks(page: Page) -> list[float]:
    """Seconds from a click on a model to its name at the top of the page."""
    times = []
    page.goto("/models")
    for title in ("Handwritten digits", "Breast cancer biopsies") * 6:
        started = time.perf_counter()
        page.get_by_role("radio", name=title).check(force=True)
        expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
        times.append(time.perf_counter() - started)
    return times
