"""What was found in pictures, as a visitor looks at it: over tiles and rows, by class, downloaded."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import click_mark
from tests.browser.test_main_job import downloaded
from tests.browser.test_rows import predicted


def _in_coco(content: bytes) -> int:
    return len(json.loads(content)["images"])


def _in_zip(content: bytes) -> int:
    return sum(name.endswith(".png") for name in zipfile.ZipFile(io.BytesIO(content)).namelist())


# model, sample; what lies over a picture and what it has once it is drawn; a class and its place among the bars;
# the filter that a click on its bar sets; the download and how many pictures are in it
FOUND = [
    ("digit-finder", "24 pages with their boxes", ("rect", "stroke"), ("2", 2), "count_2 from 1", "Boxes as COCO"),
    ("notes", "24 pages with their masks", ("image", "href"), ("stamp", 3), "share_stamp from 0.01", "Masks as PNG"),
]
PICTURES = {"Boxes as COCO": _in_coco, "Masks as PNG": _in_zip}


@pytest.mark.parametrize(("model", "sample", "shape", "kind", "chip", "link"), FOUND)
def test_what_was_found_is_filtered_seen_and_downloaded(
    page: Page, model: str, sample: str, shape: tuple[str, str], kind: tuple[str, int], chip: str, link: str
) -> None:
    predicted(page, model, sample)
    expect(page.get_by_text("24 pictures. Choose one to see more.")).to_be_visible()
    click_mark(page, page.locator(".js-plotly-plot").first.locator(".bars .point path").nth(kind[1]))
    expect(page.get_by_role("button", name=chip)).to_be_visible()
    rows = int(page.get_by_text(" of 24 rows").inner_text().partition(" ")[0])
    expect(page.get_by_text(f"{rows} pictures. Choose one to see more.")).to_be_visible()

    tiles = page.get_by_role("button", name=re.compile(r"^Row \d+: "))
    expect(tiles).to_have_count(rows)
    expect(tiles.first.locator(f"svg.overlay {shape[0]}").first).to_have_attribute(shape[1], re.compile("."))
    tiles.first.click()
    _look_at(page, shape, kind[0])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="More downloads").click()
    _, content = downloaded(page, link)
    assert PICTURES[link](content) == rows


def _look_at(page: Page, shape: tuple[str, str], label: str) -> None:
    """A class of the legend is hidden and shown again, then the truth is looked at, then the picture alone."""
    place = page.get_by_role("dialog")
    drawn, over = place.locator(".found svg.overlay"), place.locator(f".found svg.overlay {shape[0]}")
    expect(over.first).to_have_attribute(shape[1], re.compile("."))
    whole = drawn.evaluate("layer => layer.innerHTML")
    entry = place.get_by_role("button", name=re.compile(rf"^{label} ?[×\d]"))
    entry.click()
    expect(drawn).not_to_have_js_property("innerHTML", whole)
    entry.click()
    expect(drawn).to_have_js_property("innerHTML", whole)
    place.get_by_role("radio", name="True").click()
    expect(drawn).not_to_have_js_property("innerHTML", whole)
    place.get_by_role("radio", name="Picture alone").click()
    expect(drawn).to_have_count(0)
