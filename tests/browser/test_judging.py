"""Labels in the upload, as a visitor sees them: the figures, the threshold by the keyboard, every width and colour."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import card, shown
from tests.browser.test_main_job import predict


def predicted(page: Page) -> str:
    """The address of a new run on biopsies whose diagnosis is known."""
    page.goto("/?model=breast-cancer")
    page.get_by_role("button", name="114 biopsies with their diagnosis").click()
    predict(page, "Predict 114 rows")
    return page.url


def test_a_run_is_judged_by_its_labels(page: Page) -> None:
    predicted(page)
    page.get_by_role("tab", name="Evaluation").click()
    expect(page.get_by_text("114 rows judged by the labels in diagnosis.")).to_be_visible()
    assert shown(page, "Accuracy") == "97.4%"
    assert shown(page, "AUROC") == "0.998"
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_role("button", name="benign taken for malignant: 2 rows")).to_be_visible()


def test_the_threshold_is_moved_by_the_keyboard(page: Page) -> None:
    predicted(page)
    page.get_by_role("tab", name="Evaluation").click()
    slider = page.get_by_role("slider", name="Rows with a probability of at least this")
    slider.focus()
    page.keyboard.press("Home")
    expect(card(page, "False alarms")).to_have_text("72")
    assert shown(page, "Missed") == "0"
    page.get_by_role("spinbutton", name="A missed row costs as many false alarms as").fill("50")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Least cost: 0.361").click()
    expect(card(page, "False alarms")).to_have_text("5")
    assert shown(page, "Missed") == "0"


@pytest.mark.parametrize(("width", "colours"), [(390, "dark"), (1440, "light")])
def test_the_pages_fit(page: Page, width: int, colours: str) -> None:
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    predicted(page)
    address = predicted(page)
    page.goto(f"{address}&tab=Evaluation")
    expect(page.get_by_text("Class by class")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(address.replace("/result?run=", "/compare?a="))
    expect(page.get_by_text("Where they differ most")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_test_id("stException").count() == 0
