"""Versions as a host and a visitor use them: brought, made the default, compared, rolled back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import settled, shown
from tests.browser.test_main_job import predict
from tests.engine.versioned import shifted, write_versioned


@pytest.fixture
def priced(models_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of a model with versions 1 (the default) and 2, offered by the server."""
    made = write_versioned(tmp_path / "price")
    place = models_folder / "price"
    shutil.copytree(made, models_folder / ".price")
    (models_folder / ".price").rename(place)
    yield place
    shutil.rmtree(place)


def open_model(page: Page) -> None:
    page.goto("/models?model=price")
    expect(page.get_by_role("heading", name="Price")).to_be_visible()
    settled(page)


def choose(page: Page, name: str) -> None:
    """Chooses the version as a visitor does: scrolls to the list first, as a page that still scrolls closes a list."""
    box = page.get_by_role("combobox", name="Version")
    box.hover()
    box.click()
    page.get_by_role("option", name=name, exact=True).click()
    expect(page.get_by_role("button", name="Make it the default")).to_be_enabled()


def test_a_host_brings_a_version_and_rolls_back(page: Page, priced: Path, tmp_path: Path) -> None:
    open_model(page)
    page.get_by_text("Add a version").click()
    page.locator("input#files").set_input_files(shifted(priced / "model.ckpt", tmp_path / "november.ckpt", 3.0))
    expect(page.get_by_text("november.ckpt")).to_be_visible()
    page.get_by_label("Note").press_sequentially("trained on November")
    page.get_by_role("button", name="Try it and add it").click()  # with the cursor still in the field
    expect(page.get_by_text("It is version 3 now; the default is still 1.")).to_be_visible()
    page.get_by_role("button", name="Make it the default").click()
    expect(page.get_by_text("The default is version 3 now; it was 1.")).to_be_visible()
    told = page.request.get("/api/v1/models/price/versions").json()
    assert [(each["name"], each["note"], each["default"]) for each in told] == [
        ("1", "", False),
        ("2", "one more", False),
        ("3", "trained on November", True),
    ]
    page.goto("/?model=price")
    expect(page.get_by_role("button", name="Version 3 (default)")).to_be_visible()
    open_model(page)
    choose(page, "1")
    page.get_by_role("button", name="Make it the default").click()
    expect(page.get_by_text("The default is version 1 now; it was 3.")).to_be_visible()


def test_two_versions_are_compared_in_one_click(page: Page, priced: Path) -> None:
    page.goto("/?model=price")
    page.get_by_role("button", name="rows", exact=True).click()
    predict(page, "Predict 10 rows")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="With version 2").click()
    page.wait_for_url(re.compile(r"/compare\?a=\w+&b=\w+"))
    expect(page.get_by_text("Where they differ most")).to_be_visible()
    assert shown(page, "Mean difference") == "1"
    page.get_by_role("link", name="Back to the run").click()
    expect(page.get_by_text("version 1 · rows.csv")).to_be_visible()
