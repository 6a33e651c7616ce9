"""The main job without a mouse: a model, a sample, a prediction, a filter, a sort, a download."""

from __future__ import annotations

import re

import polars as pl
from playwright.sync_api import Page, expect

from tests.browser.serving import settled

_MOST_STOPS = 80
# What a screen reader calls the element that has the focus, in components with a tree of their own too.
_FOCUSED = """() => {
  let at = document.activeElement
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement
  if (!at || at === document.body) return ""
  const words = (at.labels?.[0] ?? at).cloneNode(true)
  words.querySelectorAll("[data-testid=stIconMaterial], [aria-hidden=true]").forEach((icon) => icon.remove())
  return at.getAttribute("aria-label") || words.textContent.trim()
}"""


def focused(page: Page) -> str:
    name: str = page.evaluate(_FOCUSED)
    return name


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what is called so has the focus; what was passed is said where nothing is."""
    settled(page)
    passed = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        passed.append(focused(page))
        if re.match(name, passed[-1]):
            return
    raise AssertionError(f"Tab never comes to {name!r}, but to {passed}")


def press(page: Page, name: str, key: str = "Enter") -> None:
    tab_to(page, name)
    page.keyboard.press(key)


def test_the_whole_job_by_keyboard(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("radio", name="Breast cancer")).to_be_checked()
    tab_to(page, "Breast cancer")
    while not focused(page).startswith("Diabetes progression"):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("model=diabetes-progression"))
    expect(page.get_by_role("button", name="30 patients")).to_be_visible()
    press(page, "30 patients")
    expect(page.get_by_role("button", name="Predict 30 rows")).to_be_visible()
    press(page, "Predict 30 rows")
    page.wait_for_url("**/result?run=*")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    press(page, "Filter")
    expect(page.get_by_label("From", exact=True)).to_be_visible()
    tab_to(page, "From")
    page.keyboard.type("21")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Show these rows")).to_be_enabled()
    press(page, "Show these rows")
    expect(page.get_by_role("button", name="row from 21")).to_be_visible()
    expect(page.get_by_text("10 of 30 rows")).to_be_visible()

    tab_to(page, "Charts")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("tab=Table"))
    tab_to(page, "Sort by")
    page.keyboard.type("bmi")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=bmi"))
    tab_to(page, "ascending")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("order=descending"))

    press(page, "More downloads")
    expect(page.get_by_role("link", name="CSV ·")).to_be_visible()
    tab_to(page, "CSV ·")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    found = pl.read_csv(download.value.path())
    assert found["row"].to_list() == list(range(21, 31))
    largest = found.sort("bmi", "row", descending=[True, False])["row"][0]
    expect(page.get_by_test_id("glide-cell-1-0")).to_have_text(str(largest))
