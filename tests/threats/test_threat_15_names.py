"""Threat 15: names are input. Hostile ones stand wherever a name can; no page calls out or makes an element of one.

The walk goes on without the content-security policy: what keeps names names is that they are escaped. The policy is a
second wall, looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from engine.settings import BUNDLED_MODELS
from tests.browser.serving import served, settled
from tests.threats.hostile import (
    EVERYTHING,
    EVIL,
    MODEL,
    NAMES,
    pictures,
    series,
    start_run,
    table,
    write_hostile_model,
)

# What a name would have become, in the page and in the shadows that components draw in.
INJECTED = """evil => {
  const found = []
  const goes = (link) => { try { return new URL(link, location.href) } catch { return location } }
  const links = (e) => ['src', 'href', 'action', 'data'].map((name) => goes(e.getAttribute(name) || ''))
  const bad = (e) =>
    links(e).some((link) => (link.hostname || '').includes(evil) || link.protocol === 'javascript:') ||
    (e.matches('.katex') && e.textContent.includes('x')) ||
    e.getAttribute('onerror') || e.getAttribute('onload')
  const walk = (root) => root.querySelectorAll('*').forEach((e) => {
    if (e.shadowRoot) walk(e.shadowRoot)
    if (bad(e)) found.push(e.outerHTML.slice(0, 200))
  })
  walk(document)
  if (window.pwned) found.push('it ran')
  return found
}"""


@dataclass
class Site:
    """A dashboard with a hostile model, its home, and runs of hostile files."""

    address: str
    home: Path
    runs: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    write_hostile_model(home / "models")
    models = f"{home / 'models'}:{BUNDLED_MODELS}"
    with served(home, forked=True, models=models, log="json") as (address, _):
        found = Site(address, home)
        name = f"{NAMES[0]} {NAMES[1]}.csv"
        found.runs = {
            "table": start_run(address, MODEL, name, table().encode()),
            "pictures": start_run(address, "digits", f"{NAMES[0]}.zip", pictures()),
            "series": start_run(address, "lorenz-state", name, series().encode()),
        }
        yield found


@pytest.fixture
def outside() -> list[str]:
    """Requests that went elsewhere."""
    return []


@pytest.fixture
def page(browser: Browser, site: Site, outside: list[str]) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        base_url=site.address, viewport={"width": 1300, "height": 1000}, bypass_csp=True
    )
    context.set_default_timeout(60_000)
    context.on("request", lambda request: _note(request, site, outside))
    yield context.new_page()
    context.close()


def _note(request: Request, site: Site, outside: list[str]) -> None:
    own = (site.address, site.address.replace("http", "ws", 1), "data:", "blob:")
    if not request.url.startswith(own):
        outside.append(request.url)


def look(page: Page) -> None:
    """Waits until the page is quiet, and finds nothing in it that a name has become."""
    settled(page)
    assert page.evaluate(INJECTED, EVIL) == []
    assert page.get_by_text("Something went wrong").count() == 0


def visit(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_role("heading").first.wait_for()
    look(page)


def test_the_way_of_a_file(page: Page, outside: list[str], tmp_path: Path) -> None:
    """Chosen model, sample, uploaded file, check, prediction, list of runs."""
    visit(page, f"/?model={MODEL}")
    file = tmp_path / f"{NAMES[0].replace('/', '∕')}.csv"
    file.write_text(table().replace(f'"{NAMES[4]}"', f'"{NAMES[4]}!"', 1))
    page.locator("input#files").set_input_files(file)
    expect(page.get_by_role("button", name="Use other files")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Rename").first.click()
    page.get_by_role("button", name=re.compile("^Predict .* rows?")).wait_for()
    look(page)
    page.get_by_role("button", name=re.compile("^Predict .* rows?")).click()
    page.wait_for_url("**/result?run=*")
    page.get_by_role("link", name="Download CSV").wait_for()
    look(page)
    page.locator("[class*=st-key-edit-] button").first.click()
    page.get_by_role("button", name="Name and note").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(EVERYTHING[:200])
    page.get_by_role("button", name="Save").click()
    look(page)
    visit(page, "/runs")
    assert outside == []


@pytest.mark.parametrize("path", [f"/models?model={MODEL}", "/models?model=broken", f"/try?model={MODEL}", "/tokens"])
def test_pages_about_models(page: Page, outside: list[str], path: str) -> None:
    visit(page, path)
    assert outside == []


@pytest.mark.parametrize("run", ["table", "pictures", "series"])
def test_every_tab_of_a_result(page: Page, site: Site, outside: list[str], run: str) -> None:
    visit(page, f"/result?run={site.runs[run]}")
    for name in page.get_by_role("tab").all_inner_texts():
        page.get_by_role("tab", name=name, exact=True).click()
        look(page)
        page.wait_for_timeout(300)  # charts draw their texts after the script
        look(page)
    for button in ("Report", "More downloads"):
        page.get_by_role("button", name=button).click()
        look(page)
        page.keyboard.press("Escape")
    assert outside == []


def test_filters_rows_and_comparisons(page: Page, site: Site, outside: list[str]) -> None:
    run = site.runs["table"]
    for path in (
        f"/result?run={run}&f=prediction~in~label%20{NAMES[2]}&tab=Charts",
        f"/result?run={run}&f=~search~{NAMES[3]}&tab=Table",
        f"/result?run={run}&tab=Rows&row=3&what-if=true",
        f"/compare?a={run}&b={run}",
        f"/result?run={EVERYTHING[:100]}",
        f"/?model={NAMES[0]}",
    ):
        visit(page, path.replace("#", "%23"))
    assert outside == []


@pytest.mark.parametrize("run", ["table", "series"])
def test_the_report(page: Page, site: Site, outside: list[str], run: str) -> None:
    page.goto(f"/report/{site.runs[run]}")
    page.get_by_role("heading").first.wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate(INJECTED, EVIL) == []
    assert outside == []


def test_the_policy_stops_what_slips_through(browser: Browser, site: Site) -> None:
    """A picture put into a page by hand is asked of nobody."""
    context = browser.new_context(base_url=site.address)
    page, refused = context.new_page(), []
    page.on("console", lambda message: refused.append(message.text))
    page.goto("/models")
    page.get_by_role("heading").first.wait_for()
    page.evaluate(f"document.body.append(Object.assign(new Image(), {{src: 'http://{EVIL}/x.png'}}))")
    page.wait_for_function("document.images[document.images.length - 1].complete")
    assert any("Content Security Policy" in text and EVIL in text for text in refused)
    context.close()
