"""`make screenshots`: the pictures of the README, taken of the real pages with a real file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from engine.settings import BUNDLED_MODELS
from tests.browser.install import installed
from tests.browser.serving import ROOT, serve

DOCS = ROOT / "docs"
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"
BIOPSIES = BUNDLED_MODELS / "breast-cancer" / "samples" / "biopsies-with-diagnosis.csv"


def settle(page: Page) -> None:
    page.wait_for_selector(QUIET)
    page.wait_for_timeout(2_500)  # charts and fonts are drawn after the script has ended


def take(page: Page, name: str) -> None:
    settle(page)
    page.screenshot(path=DOCS / name)


def main() -> None:
    """Takes them all."""
    with tempfile.TemporaryDirectory() as home, serve(Path(home)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        size = {"width": 1440, "height": 960}
        page = browser.new_page(base_url=address, viewport=size, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(60_000)
        page.goto("/?model=breast-cancer")
        settle(page)
        page.locator("input#files").set_input_files(BIOPSIES)
        page.get_by_role("button", name="Predict 114 rows").wait_for()
        take(page, "predict.png")
        page.get_by_role("button", name="Predict 114 rows").click()
        page.get_by_role("link", name="Download CSV").wait_for()
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        take(page, "charts.png")
        dark = browser.new_page(viewport=size, color_scheme="dark")  # type: ignore[arg-type]
        dark.goto(page.url)
        dark.get_by_role("tab", name="Table").click()
        dark.get_by_test_id("glide-cell-1-0").wait_for(state="attached")
        take(dark, "table.png")
        phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
        phone.goto(page.url)
        phone.locator(".js-plotly-plot .main-svg").first.wait_for()
        take(phone, "phone.png")
        browser.close()


if __name__ == "__main__":
    main()
