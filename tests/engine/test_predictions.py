"""Predictions are those of a plain Trainer.predict, bit for bit, a line a row, in the order of the file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import pytorch_lightning as lightning
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
from torchvision.io import ImageReadMode, decode_image

from engine import TASKS, Engine
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import build_module
from engine.demos.recipes.lorenz_state import STATES, long_table, measure, simulate
from engine.demos.train import RECIPES
from tests.conftest import Predicting
from tests.pool import open_engine


def plainly(engine: Engine, model_id: str, x: torch.Tensor, batch_size: int) -> torch.Tensor:
    """What the tutorial's way gives: TensorDataset, DataLoader, default Trainer, torch.cat."""
    entry = engine.model(model_id)
    card = entry.usable_card()
    module = build_module(card, entry.folder, load_checkpoint(entry.folder / card.checkpoint, card))
    takes_pair = model_id in ("diabetes-progression", "lorenz-state")
    data = TensorDataset(x, torch.zeros(len(x))) if takes_pair else x
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    found = trainer.predict(module, DataLoader(data, batch_size=batch_size))
    assert found is not None
    return torch.cat(found)


def table(engine: Engine, model_id: str, rows: int) -> pl.DataFrame:
    """Random valid rows for a model, as wide as its card."""
    random = np.random.default_rng(3)
    columns = {}
    for column in engine.model(model_id).usable_card().signature:
        low, high = column.range or (-1, 1)
        values = random.uniform(low, high, rows)
        columns[column.name] = np.floor(values).clip(low) if column.type == "integer" else values
    frame = pl.DataFrame(columns)
    return frame.cast({c.name: pl.Int64 for c in engine.model(model_id).usable_card().signature if c.type == "integer"})


@pytest.mark.parametrize("batch_size", [7, 64])
def test_regression_is_bit_equal(predicting: Predicting, tmp_path: Path, batch_size: int) -> None:
    frame = table(predicting.engine, "diabetes-progression", 200)
    frame.write_csv(tmp_path / "rows.csv")
    found = predicting.results("diabetes-progression", [tmp_path / "rows.csv"], batch_size=batch_size).page(0, 500)
    x = torch.from_numpy(frame.cast(pl.Float32).to_numpy().copy())
    expected = plainly(predicting.engine, "diabetes-progression", x, batch_size)
    assert np.array_equal(found["progression_estimate"].to_numpy(), expected[:, 0].numpy())
    assert found["row"].to_list() == list(range(1, 201))


def test_classification_is_bit_equal(predicting: Predicting, tmp_path: Path) -> None:
    frame = table(predicting.engine, "breast-cancer", 150)
    frame.write_parquet(tmp_path / "rows.parquet")
    found = predicting.results("breast-cancer", [tmp_path / "rows.parquet"], batch_size=32).page(0, 500)
    x = torch.from_numpy(frame.cast(pl.Float32).to_numpy().copy())
    expected = plainly(predicting.engine, "breast-cancer", x, 32).softmax(1)
    assert np.array_equal(found["probability_malignant"].to_numpy(), expected[:, 0].numpy())
    assert np.array_equal(found["confidence"].to_numpy(), expected.max(1).values.numpy())
    labels = np.array(["malignant", "benign"])[expected.argmax(1).numpy()]
    assert found["prediction"].to_list() == labels.tolist()


def test_digits_are_bit_equal(predicting: Predicting, tmp_path: Path) -> None:
    names = _zip_of_digits(tmp_path / "digits.zip", 100)
    found = predicting.results("digits", [tmp_path / "digits.zip"], batch_size=32).page(0, 500)
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        pixels = torch.stack([_decoded(archive.read(name), ImageReadMode.GRAY) for name in names])
    expected = plainly(predicting.engine, "digits", pixels.float() / 255, 32).softmax(1)
    for label in range(10):
        assert np.array_equal(found[f"probability_{label}"].to_numpy(), expected[:, label].numpy())
    assert found["file"].to_list() == names


def test_cifar10_is_bit_equal(predicting: Predicting, tmp_path: Path) -> None:
    image = predicting.engine.model("cifar10").usable_card().image
    assert image is not None
    random = np.random.default_rng(5)
    pixels = random.integers(0, 256, (20, 3, 32, 32), np.uint8)
    zip_of_pictures(tmp_path / "pictures.zip", pixels)
    found = predicting.results("cifar10", [tmp_path / "pictures.zip"], batch_size=8).page(0, 100)
    shape = (1, -1, 1, 1)
    mean, std = torch.tensor(image.mean).reshape(shape), torch.tensor(image.std).reshape(shape)
    x = (torch.from_numpy(pixels).float() / 255 - mean) / std
    expected = plainly(predicting.engine, "cifar10", x, 8).softmax(1)
    assert np.array_equal(found["probability_cat"].to_numpy(), expected[:, 3].numpy())


def test_sequences_are_bit_equal(predicting: Predicting, tmp_path: Path) -> None:
    sensors = measure(simulate(50, np.random.default_rng(0)), np.random.default_rng(1)).astype(np.float32)
    long_table(sensors).write_csv(tmp_path / "series.csv")
    np.save(tmp_path / "series.npy", sensors)
    expected = plainly(predicting.engine, "lorenz-state", torch.from_numpy(sensors), 16).reshape(-1, 3).numpy()
    for name in ("series.csv", "series.npy"):
        found = predicting.results("lorenz-state", [tmp_path / name], batch_size=16 * 20).page(0, 5_000)
        assert found.height == 50 * 20
        for number, state in enumerate(STATES):
            assert np.array_equal(found[f"state_{state}"].to_numpy(), expected[:, number]), name


def test_shuffled_series_come_back_in_the_order_of_the_file(predicting: Predicting, tmp_path: Path) -> None:
    sensors = measure(simulate(12, np.random.default_rng(0)), np.random.default_rng(1)).astype(np.float32)
    ordered = long_table(sensors)
    shuffled = ordered.sample(fraction=1, shuffle=True, seed=4)
    ordered.write_csv(tmp_path / "ordered.csv")
    shuffled.write_csv(tmp_path / "shuffled.csv")
    found = predicting.results("lorenz-state", [tmp_path / "shuffled.csv"]).page(0, 500)
    straight = predicting.results("lorenz-state", [tmp_path / "ordered.csv"]).page(0, 500)
    assert found["row"].to_list() == list(range(1, 241))
    assert found["sensor_1"].to_list() == pytest.approx(shuffled["sensor_1"].to_list())
    assert _by_step(found) == pytest.approx(_by_step(straight), abs=1e-4)


def _by_step(lines: pl.DataFrame) -> list[float]:
    ordered = lines.cast({"series": pl.Int64, "step": pl.Int64}).sort("series", "step")
    return ordered["state_x"].to_list()


@pytest.mark.parametrize("shard_rows", [40, 100_000])
@pytest.mark.parametrize("devices", [1, 2])
def test_shards_and_devices_change_nothing(tmp_path: Path, shard_rows: int, devices: int) -> None:
    from engine import Settings

    engine = open_engine(Settings(home=tmp_path / "home", shard_rows=shard_rows, devices=devices, accelerator="cpu"))
    frame = table(engine, "diabetes-progression", 200)
    frame.write_csv(tmp_path / "rows.csv")
    found = Predicting(engine).results("diabetes-progression", [tmp_path / "rows.csv"], batch_size=20)
    x = torch.from_numpy(frame.cast(pl.Float32).to_numpy().copy())
    expected = plainly(engine, "diabetes-progression", x, 20)
    assert np.array_equal(found.page(0, 500)["progression_estimate"].to_numpy(), expected[:, 0].numpy())
    engine.close()


def test_a_corrupt_picture_costs_its_own_row(predicting: Predicting, tmp_path: Path) -> None:
    names = _zip_of_digits(tmp_path / "whole.zip", 40)
    with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "broken.zip", "w") as broken:
        for number, name in enumerate(names, start=1):
            broken.writestr(name, whole.read(name)[:50] if number in (1, 17, 40) else whole.read(name))
    whole_lines = predicting.results("digits", [tmp_path / "whole.zip"], batch_size=1).page(0, 100)
    lines = predicting.results("digits", [tmp_path / "broken.zip"], batch_size=1, on_error="report").page(0, 100)
    assert lines.height == 40
    failed = lines.filter(pl.col("status") == "failed")
    assert failed["row"].to_list() == [1, 17, 40]
    assert failed["prediction"].null_count() == 3
    assert all("cannot be decoded" in error for error in failed["error"])
    good = lines.filter(pl.col("status") == "ok")
    same = whole_lines.filter(pl.col("row").is_in(good["row"].to_list()))
    assert good["confidence"].to_list() == same["confidence"].to_list()


def test_every_bundled_model_has_a_known_task(engine: Engine) -> None:
    entries = {entry.id: entry for entry in engine.models()}
    assert set(entries) == set(RECIPES)
    assert all(entry.card is not None and entry.card.task in TASKS for entry in entries.values())


def _decoded(content: bytes, mode: ImageReadMode) -> torch.Tensor:
    return decode_image(torch.frombuffer(bytearray(content), dtype=torch.uint8), mode)


def _zip_of_digits(path: Path, count: int) -> list[str]:
    pixels = np.rint(load_digits().images[:count] * (255 / 16)).astype(np.uint8)
    return zip_of_pictures(path, pixels)


def zip_of_pictures(path: Path, pixels: np.ndarray) -> list[str]:
    """Writes `pixels`, uint8 (pictures, height, width) or (pictures, channels, height, width), as PNG; their names."""
    from PIL import Image

    names = [f"{number:04d}.png" for number in range(len(pixels))]
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in zip(names, pixels, strict=True):
            content = io.BytesIO()
            Image.fromarray(values if values.ndim == 2 else values.transpose(1, 2, 0)).save(content, "PNG")
            archive.writestr(name, content.getvalue())
    return names
