"""`make screenshots`: every view in light, in dark and on a phone, taken of the real pages with real files.

`python -m tests.browser.screenshots tasks` takes only those that the tasks' pages in docs/ show.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from engine import Engine, Settings
from engine.settings import BUNDLED_MODELS
from tests.browser.install import installed
from tests.browser.serving import ROOT, serve, settled
from tests.million import ROWS, make_model, make_other_run, make_run

DOCS = ROOT / "docs"
SIZES = {
    "light": ViewportSize(width=1440, height=960),
    "dark": ViewportSize(width=1440, height=960),
    "phone": ViewportSize(width=390, height=1080),
    "task": ViewportSize(width=1280, height=700),
}
LOOKS = ("light", "dark", "phone")
BIOPSIES = BUNDLED_MODELS / "breast-cancer" / "samples" / "biopsies-with-diagnosis.csv"
# What each task shows: a model, its sample, what its run's address says more, the words at the top
TASKS = {
    "feature-extraction": ("digit-space", "150 digits in folders", "", "Map of the embeddings"),
    "image-segmentation": ("notes", "24 pages with their masks", "&tab=Rows&row=4", "Over the picture"),
    "multi-label-classification": ("yeast-genes", "100 genes with their functions", "", "Predicted labels"),
    "object-detection": ("digit-finder", "24 pages with their boxes", "", "Pictures, and what was found in them"),
    "text-classification": ("languages", "120 sentences with their language", "", "Texts"),
    "time-series-forecasting": ("el-nino", "6 histories and what came later", "", "History and forecast"),
}
# Streamlit's own bar lies over the top of what scrolls.
_SCROLL = """words => {
  words.scrollIntoView({block: "start"})
  document.querySelector("[data-testid=stMain]").scrollBy(0, -90)
}"""


def main(rows: int = ROWS) -> None:
    """Takes them all."""
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        engine = Engine(Settings(home=home, models=(make_model(home / "models"),), accelerator="cpu"))
        run = make_run(engine, home, rows)
        other = make_other_run(engine, run)
        engine.close()
        with serve(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
            first = _context(browser, address, "light", {})
            views = {
                "charts": _predict(first.new_page(), "breast-cancer", "114 biopsies with their diagnosis"),
                "table": f"/result?run={run.id}&tab=Table&f=region~in~south&sort=confidence&order=descending",
                "row": _predict(first.new_page(), "diabetes-progression", "30 patients")
                + "&tab=Rows&row=7&what-if=true",
                "compare": f"/compare?a={run.id}&b={other.id}",
                "runs": "/runs",
                "models": "/models?model=breast-cancer",
            }
            views["evaluation"] = f"{views['charts']}&tab=Evaluation"
            for look in LOOKS:
                context = _context(browser, address, look, first.storage_state())
                _take_predict(context, look)
                for name, path in views.items():
                    page = context.new_page()
                    page.goto(path)
                    _take(page, f"{name}-{look}")
                context.close()
            _take_tasks(browser, address)
            browser.close()


def take_tasks() -> None:
    """Takes what the tasks' pages show."""
    with tempfile.TemporaryDirectory() as home, serve(Path(home)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        _take_tasks(browser, address)
        browser.close()


def _take_tasks(browser: Browser, address: str) -> None:
    context = _context(browser, address, "task", {})
    for name, (model, sample, more, words) in TASKS.items():
        path = _predict(context.new_page(), model, sample) + more
        page = context.new_page()
        page.goto(path)
        _take(page, f"tasks/{name}", words)
    context.close()


def _context(browser: Browser, address: str, look: str, visitor: Mapping[str, object]) -> BrowserContext:
    """A browser of the same visitor."""
    context = browser.new_context(
        base_url=address,
        viewport=SIZES[look],
        color_scheme="dark" if look == "dark" else "light",
        storage_state=visitor or None,  # type: ignore[arg-type]
    )
    context.set_default_timeout(60_000)
    return context


def _predict(page: Page, model: str, sample: str) -> str:
    """The path of a new run of that sample."""
    page.goto(f"/?model={model}")
    page.get_by_role("button", name=sample).click()
    page.get_by_role("button", name="Predict ").click()
    page.wait_for_url("**/result?run=*")
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    path = "/result?" + page.url.partition("?")[2].partition("&")[0]
    page.close()
    return path


def _take_predict(context: BrowserContext, look: str) -> None:
    page = context.new_page()
    page.goto("/?model=breast-cancer")
    settled(page)
    page.locator("input#files").set_input_files(BIOPSIES)
    page.get_by_role("button", name="Predict 114 rows").wait_for()
    _take(page, f"predict-{look}")


def _take(page: Page, name: str, words: str = "") -> None:
    """The page from those words on, else from its top, once it is quiet, in few colours: a third of the bytes."""
    page.get_by_role("heading").first.wait_for()
    settled(page)
    page.wait_for_timeout(4_000)  # charts and fonts are drawn after the script has ended
    settled(page)
    if words:
        page.get_by_text(words, exact=True).first.evaluate(_SCROLL)
        page.wait_for_timeout(1_000)  # pictures are loaded once they are on the screen
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        DOCS / f"{name}.png", optimize=True
    )
    page.close()


if __name__ == "__main__":
    take_tasks() if sys.argv[1:] == ["tasks"] else main()
