"""One row and what if, as a visitor drives them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.settings import BUNDLED_MODELS

expect.set_options(timeout=30_000)
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"


def predicted(page: Page, model: str, sample: str) -> str:
    """The run of a sample; its address without a tab."""
    page.goto(f"/?model={model}")
    page.get_by_role("button", name=sample).click()
    page.get_by_role("button", name="Predict ").click()
    page.wait_for_url("**/result?run=*")
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    return page.url.partition("&")[0]


def figure(page: Page, name: str) -> Locator:
    """The last figure of that name: that of the form, where the row has one too."""
    return page.get_by_test_id("stMetric").filter(has_text=name).last.get_by_test_id("stMetricValue")


def test_a_link_shows_the_same_row(page: Page) -> None:
    address = predicted(page, "breast-cancer", "40 biopsies")
    page.goto(f"{address}&tab=Rows&row=7")
    expect(page.get_by_label("Row, 1 to 40")).to_have_value("7")
    shown = figure(page, "confidence").inner_text()
    page.get_by_role("button", name="Next").click()
    expect(page).to_have_url(re.compile("row=8"))
    page.get_by_role("button", name=re.compile(r"^Row \d+ 0\.")).first.click()
    expect(page).not_to_have_url(re.compile("row=8"))
    page.get_by_label("Row, 1 to 40").fill("7")
    page.get_by_label("Row, 1 to 40").press("Enter")
    expect(page).to_have_url(re.compile("row=7"))
    expect(figure(page, "confidence")).to_have_text(shown)


def test_a_row_that_is_not_there_does_no_harm(page: Page) -> None:
    address = predicted(page, "diabetes-progression", "30 patients")
    for row in ("999999", "-1", "x", "<b>"):
        page.goto(f"{address}&tab=Rows&row={row}")
        expect(page.get_by_label("Row, 1 to 30")).to_be_visible()
        page.wait_for_selector(QUIET)
        assert page.get_by_test_id("stException").count() == 0


def test_a_slider_moves_the_prediction(page: Page) -> None:
    address = predicted(page, "diabetes-progression", "30 patients")
    page.goto(f"{address}&tab=Rows&row=3")
    page.get_by_text("Change the values and see what comes out").click()
    expect(page.get_by_text("As in row 3")).to_be_visible()
    assert figure(page, "progression_estimate").inner_text() == figure_of_row(page)
    slider = page.get_by_test_id("stSlider").filter(has_text="bmi (kg/m²)").locator("input")
    before, at = figure(page, "progression_estimate").inner_text(), float(slider.input_value())
    slider.press("ArrowRight")
    expect(page.get_by_text("With 1 value changed")).to_be_visible()
    expect(figure(page, "progression_estimate")).not_to_have_text(before)
    assert 0 < float(slider.input_value()) - at < 0.2
    page.get_by_role("button", name="Keep this variant").click()
    expect(page.get_by_text("1 variant", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save the variants as a new run").click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Saved: open the new run").click()
    expect(opening.value.get_by_text("typed-values.csv")).to_be_visible()
    expect(opening.value.get_by_text("2 rows")).to_be_visible()


def figure_of_row(page: Page) -> str:
    return (
        page.get_by_test_id("stMetric")
        .filter(has_text="progression_estimate (points)")
        .first.get_by_test_id("stMetricValue")
        .inner_text()
    )


def test_values_without_a_file(page: Page) -> None:
    page.goto("/try?model=breast-cancer")
    expect(page.get_by_text("As in the sample's first row")).to_be_visible()
    page.get_by_text("Type exact numbers").click()
    field = page.get_by_test_id("stNumberInput").filter(has_text="mean_radius (px)").locator("input")
    field.fill("5000")
    field.press("Enter")
    expect(page.get_by_text("Column 'mean_radius', row 1: found '5000.0', expected 0 to 300 px.")).to_be_visible()
    field.fill("12")
    field.press("Enter")
    expect(page.get_by_text("With 1 value changed")).to_be_visible()
    expect(figure(page, "prediction")).to_have_text(re.compile("malignant|benign"))


def test_a_picture_without_a_run(page: Page) -> None:
    page.goto("/try?model=cifar10")
    page.locator("input[type=file]").set_input_files(BUNDLED_MODELS / "cifar10" / "samples" / "cat.jpg")
    expect(figure(page, "prediction")).to_have_text("cat")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()


def test_the_row_of_the_table_leads_to_its_page(page: Page) -> None:
    address = predicted(page, "breast-cancer", "40 biopsies")
    page.goto(f"{address}&tab=Table")
    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 17 + 35 * 3)
    page.get_by_role("button", name="Neighbours and what if").click()
    expect(page).to_have_url(re.compile("row=3"))
    expect(page.get_by_label("Row, 1 to 40")).to_have_value("3")


def test_a_picture_of_the_gallery_leads_to_its_row(page: Page) -> None:
    predicted(page, "cifar10", "3 photos")
    page.get_by_role("button", name=re.compile("^Row 2: ")).click()
    page.get_by_role("dialog").get_by_role("button", name="Neighbours and what if").click()
    expect(page).to_have_url(re.compile("row=2"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label("Row, 1 to 3")).to_have_value("2")


@pytest.mark.parametrize(
    ("model", "colours"), [("breast-cancer", "light"), ("cifar10", "dark"), ("lorenz-state", "light")]
)
def test_trying_fits_a_phone(page: Page, model: str, colours: str) -> None:
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/try?model={model}")
    expect(page.get_by_role("heading", name="Try", exact=True)).to_be_visible()
    page.wait_for_selector(QUIET)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_test_id("stException").count() == 0
