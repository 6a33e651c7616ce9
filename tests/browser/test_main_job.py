"""The main job, as a visitor does it: drop a file, see what will be predicted, predict, look, download."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import pytorch_lightning as lightning
import torch
from playwright.sync_api import Page, Request, expect
from torch.utils.data import DataLoader, TensorDataset

from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import build_module
from engine.demos.recipes.lorenz_state import long_table, measure, simulate
from engine.models.registry import ModelRegistry
from engine.settings import BUNDLED_MODELS

SAMPLES = BUNDLED_MODELS / "diabetes-progression" / "samples"


def upload(page: Page, model: str, paths: list[Path]) -> None:
    page.goto(f"/?model={model}")
    page.locator("input#files").set_input_files(paths)
    expect(page.get_by_role("button", name="Use other files")).to_be_visible()


def predict(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/result?run=*")
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()


def downloaded(page: Page, link: str = "Download CSV") -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def plainly(model: str, x: torch.Tensor, batch_size: int, *, pair: bool) -> torch.Tensor:
    """What a plain Trainer.predict gives for the same rows in the same batches."""
    entry = ModelRegistry([BUNDLED_MODELS]).entry(model)
    card = entry.usable_card()
    module = build_module(card, entry.folder, load_checkpoint(entry.folder / card.checkpoint, card))
    data = TensorDataset(x, torch.zeros(len(x))) if pair else x
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    found = trainer.predict(module, DataLoader(data, batch_size=batch_size))  # type: ignore[arg-type]
    return torch.cat(found)  # type: ignore[arg-type]


def test_a_table(page: Page) -> None:
    source = SAMPLES / "patients-with-outcome.csv"
    upload(page, "diabetes-progression", [source])
    expect(page.get_by_text("89 rows ready")).to_be_visible()
    expect(page.get_by_text("'progression' is recognised as the label")).to_be_visible()
    predict(page, "Predict 89 rows")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    name, content = downloaded(page)
    assert name == "diabetes-progression_patients-with-outcome.csv"
    frame = pl.read_csv(source)
    names = [
        column.name for column in ModelRegistry([BUNDLED_MODELS]).entry("diabetes-progression").usable_card().signature
    ]
    x = torch.from_numpy(frame.select(names).cast(pl.Float32).to_numpy().copy())
    expected = plainly("diabetes-progression", x, len(x), pair=True)[:, 0].numpy()
    found = pl.read_csv(io.BytesIO(content), schema_overrides={"progression_estimate": pl.Float32})
    assert found["row"].to_list() == list(range(1, 90))
    assert found["patient"].to_list() == frame["patient"].to_list()
    assert np.array_equal(found["progression_estimate"].to_numpy(), expected)
    _cells_are(page, found)


def _cells_are(page: Page, found: pl.DataFrame) -> None:
    """Reads the first line in the page's own table. With rows to choose, column 0 is the mark."""
    page.get_by_role("tab", name="Table").click()
    expect(page.get_by_test_id("glide-cell-1-0")).to_have_text("1")
    cell = page.get_by_test_id("glide-cell-2-0").inner_text()
    assert float(cell.replace(",", "")) == pytest.approx(found["progression_estimate"][0], rel=1e-3)


def test_pictures_in_a_zip(page: Page) -> None:
    path = BUNDLED_MODELS / "digits" / "samples" / "digits-in-folders.zip"
    upload(page, "digits", [path])
    expect(page.get_by_text("60 rows ready")).to_be_visible()
    predict(page, "Predict 60 rows")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    _, content = downloaded(page)
    found = pl.read_csv(io.BytesIO(content), infer_schema=False)
    with zipfile.ZipFile(path) as archive:
        assert found["file"].to_list() == archive.namelist()
    assert found["label"].to_list() == [name.split("/")[0] for name in found["file"]]
    assert (found["label"] == found["prediction"]).mean() > 0.9  # type: ignore[operator]


def test_sequences(page: Page, tmp_path: Path) -> None:
    sensors = measure(simulate(30, np.random.default_rng(0)), np.random.default_rng(1)).astype(np.float32)
    long_table(sensors).write_csv(tmp_path / "series.csv")
    upload(page, "lorenz-state", [tmp_path / "series.csv"])
    predict(page, "Predict 600 rows")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    _, content = downloaded(page)
    found = pl.read_csv(io.BytesIO(content), schema_overrides={f"state_{name}": pl.Float32 for name in "xyz"})
    expected = plainly("lorenz-state", torch.from_numpy(sensors), 128, pair=True).reshape(-1, 3).numpy()
    for number, name in enumerate("xyz"):
        assert np.array_equal(found[f"state_{name}"].to_numpy(), expected[:, number])


def test_mistakes_are_mended_in_the_page(page: Page) -> None:
    """A misspelt column is renamed by one click; then the good rows are predicted, and the bad ones reported."""
    upload(page, "diabetes-progression", [SAMPLES / "patients-with-mistakes.csv"])
    expect(page.get_by_text("Cannot predict yet: 1 column is missing")).to_be_visible()
    expect(page.get_by_role("button", name="Predict", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("4 of 12 rows cannot be predicted")).to_be_visible()
    expect(page.get_by_text("Column 'bmi', row 3: found 'obese', expected a number.")).to_be_visible()
    predict(page, "Predict 8 good rows, report 4")
    expect(page.get_by_text("4 rows were not predicted.")).to_be_visible()
    _, content = downloaded(page)
    found = pl.read_csv(io.BytesIO(content))
    assert found.filter(pl.col("status") == "failed")["row"].to_list() == [3, 5, 7, 9]


def test_a_run_has_an_address_that_others_can_open(page: Page) -> None:
    page.goto("/?model=breast-cancer")
    page.get_by_role("button", name="40 biopsies").click()
    predict(page, "Predict 40 rows")
    address = page.url
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context().new_page()
    other.goto(address)
    expect(other.get_by_role("link", name="Download CSV")).to_be_visible(timeout=60_000)
    expect(other.get_by_text("Most frequent class")).to_be_visible()
    other.context.close()


@pytest.mark.parametrize(("width", "colours"), [(390, "light"), (1440, "dark")])
def test_pages_fit_and_call_nobody(page: Page, server: str, width: int, colours: str) -> None:
    """No page is wider than the window, none shows an error, none asks any other server for anything."""
    asked: list[str] = []
    page.on("request", lambda request: _note(request, asked))
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    for path, heading in (("/", "Predict"), ("/models", "Models"), ("/runs", "Runs")):
        page.goto(path)
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_test_id("stException").count() == 0
    assert all(address.startswith((server, server.replace("http", "ws"), "data:", "blob:")) for address in asked), asked


def _note(request: Request, asked: list[str]) -> None:
    asked.append(request.url)


def test_a_run_that_is_not_there_says_so(page: Page) -> None:
    page.goto("/result?run=" + "a" * 26)
    expect(page.get_by_text("There is no such run").first).to_be_visible()
