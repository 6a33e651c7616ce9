"""A file of the host's folders instead of one's own, and nothing beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.settings import BUNDLED_MODELS
from tests.browser.test_main_job import downloaded, predict

PATIENTS = BUNDLED_MODELS / "diabetes-progression" / "samples" / "patients.csv"


@pytest.fixture
def patients(lake_folder: Path) -> Iterator[None]:
    """A file in a folder of the lake, and ways out of it."""
    (lake_folder / "may").mkdir()
    shutil.copy(PATIENTS, lake_folder / "may" / "patients.csv")
    (lake_folder / "may" / "out.csv").symlink_to(PATIENTS)
    (lake_folder / "out").symlink_to(BUNDLED_MODELS)
    yield
    shutil.rmtree(lake_folder / "may")
    (lake_folder / "out").unlink()


def test_a_file_of_the_hosts_is_predicted(page: Page, patients: None) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/?model=diabetes-progression")
    page.get_by_role("button", name="From the host's folders").click()
    place = page.get_by_role("dialog")
    expect(place.get_by_role("button", name="Use this file")).to_be_disabled()
    for found, chosen in ((["may/"], "may/"), (["patients.csv (1.3 kB)"], "patients.csv (1.3 kB)")):
        place.get_by_role("combobox", name="File or folder").click()
        expect(page.get_by_role("option")).to_have_text(found)
        page.get_by_role("option", name=chosen).click()
        expect(place.get_by_text("measurements/may")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    place.get_by_role("button", name="Use this file").click()
    expect(place).to_have_count(0)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    predict(page, "Predict 30 rows")
    name, content = downloaded(page)
    assert name == "diabetes-progression_patients.csv"
    assert content.count(b"\n") == 31


@pytest.mark.parametrize("path", ["../models", "out/digits/card.yaml", "may/out.csv", "%2e%2e/x", "/etc/passwd"])
def test_nothing_beside_the_folders_is_reached(page: Page, patients: None, path: str) -> None:
    assert page.request.post(f"/api/v1/lake/measurements?path={path}").status == 404
