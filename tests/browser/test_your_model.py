"""From last night's checkpoint to a page: `init`, its folder copied to a server that runs, a prediction."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import pytorch_lightning as lightning
import torch
from playwright.sync_api import Page, expect
from torch.utils.data import DataLoader, TensorDataset
from typer.testing import CliRunner

from engine.cli import app
from tests.browser.serving import settled
from tests.browser.test_main_job import downloaded, predict, upload

CODE = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn import functional as F

class Fares(pl.LightningModule):
    def __init__(self, columns):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(columns, 4), nn.ReLU(), nn.Linear(4, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        return F.mse_loss(self.net(x)[:, 0], y)

    def predict_step(self, batch, batch_idx):
        return self.net(batch[0])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)
"""


def _trained(folder: Path) -> tuple[Any, pl.DataFrame]:
    """The module after a few steps; its checkpoint, its file and a sample lie in `folder`."""
    (folder / "fares.py").write_text(CODE)
    torch.manual_seed(0)
    module, x = importlib.import_module("fares").Fares(2), torch.rand(24, 2)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=2, enable_checkpointing=False, **quiet)
    trainer.fit(module, DataLoader(TensorDataset(x, x.sum(1)), batch_size=8))
    trainer.save_checkpoint(folder / "last.ckpt")
    rows = pl.DataFrame({"kilometres": x[:, 0].numpy(), "hours": x[:, 1].numpy(), "fare": x.sum(1).numpy()})
    rows.write_csv(folder / "trips.csv")
    return module.eval(), rows


def test_a_checkpoint_becomes_a_page(
    page: Page, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module, rows = _trained(tmp_path)
    said = ["--module", f"{tmp_path / 'fares.py'}:Fares", "--sample", tmp_path / "trips.csv", "--target", "fare"]
    drafted = tmp_path / "taxi-fares"
    done = CliRunner().invoke(app, [*map(str, ["init", tmp_path / "last.ckpt", *said, "-o", drafted])])
    assert done.exit_code == 0, done.output
    page.goto("/models")
    settled(page)
    expect(page.get_by_text("Taxi fares")).to_have_count(0)
    shutil.copytree(drafted, models_folder / ".taxi-fares")
    (models_folder / ".taxi-fares").rename(models_folder / "taxi-fares")
    try:
        page.goto("/models?model=taxi-fares")
        expect(page.get_by_role("heading", name="Taxi fares")).to_be_visible()
        expect(page.get_by_text("Fares.predict_step takes a pair")).to_be_visible()
        upload(page, "taxi-fares", [tmp_path / "trips.csv"])
        predict(page, "Predict 24 rows")
        _, content = downloaded(page)
    finally:
        shutil.rmtree(models_folder / "taxi-fares")
    with torch.inference_mode():
        expected = module.net(torch.from_numpy(rows.select("kilometres", "hours").to_numpy()))[:, 0]
    found = pl.read_csv(content)["fare_estimate"]
    assert found.to_list() == pytest.approx(expected.tolist(), rel=1e-5)
