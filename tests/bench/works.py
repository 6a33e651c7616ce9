"""The works that are timed, each three ways: the tutorial's, ours, and the limit. File to file, models warm.

tutorial  pandas → TensorDataset → DataLoader of 32 → default Trainer → torch.cat → to_csv
limit     the fastest code there is here without a Trainer, checks, row identity or a run folder
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytorch_lightning as lightning
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.functional import to_tensor

from engine import Engine, Options, Source
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import build_module
from tests.bench.growth import write_pictures

Way = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """One work, its three ways, and the ratios it promises: tutorial ÷ ours at least, ours ÷ limit at most."""

    name: str
    tutorial: Way
    ours: Way
    limit: Way
    at_least: float
    at_most: float


def works(engine: Engine, folder: Path, scale: float) -> list[Work]:
    """The four works; `scale` 1 is their full size."""
    rows, pictures, series = int(1_000_000 * scale), int(20_000 * scale), int(100_000 * scale)
    linear = _table(engine, "diabetes-progression", folder / "linear.csv", rows)
    perceptron = _table(engine, "three-classes", folder / "perceptron.csv", rows)
    archive = folder / "pictures.zip"
    write_pictures(engine, archive, pictures)
    steps = _series(folder / "series.csv", series)
    return [
        Work(
            f"linear regression, CSV → CSV, {rows:,} rows",
            lambda: _tutorial_table(engine, "diabetes-progression", linear, folder, pair=True),
            lambda: ours(engine, "diabetes-progression", linear),
            lambda: _limit_table(engine, "diabetes-progression", linear, folder),
            12, 2.0,
        ),
        Work(
            f"MLP 30 → 3, CSV → CSV, {rows:,} rows",
            lambda: _tutorial_table(engine, "three-classes", perceptron, folder, pair=False),
            lambda: ours(engine, "three-classes", perceptron),
            lambda: _limit_table(engine, "three-classes", perceptron, folder),
            12, 2.0,
        ),
        Work(
            f"{pictures:,} PNG pictures in a zip → CSV",
            lambda: _tutorial_pictures(engine, archive, folder),
            lambda: ours(engine, "small-cnn", archive),
            lambda: _limit_pictures(engine, archive, folder),
            4, 1.3,
        ),
        Work(
            f"LSTM, {series:,} sequences of 20 × 5 → CSV",
            lambda: _tutorial_series(engine, steps, folder),
            lambda: ours(engine, "lorenz-state", steps),
            lambda: _limit_series(engine, steps, folder),
            4, 1.5,
        ),
    ]  # fmt: skip


def ours(engine: Engine, model_id: str, path: Path) -> Path:
    """What the command line does: check, predict in a run folder, pictures meanwhile, export."""
    run = engine.check(model_id, [Source(path.name, path)], ahead=Options())
    engine.submit(run.id, Options())
    ended = engine.wait(run.id)
    if ended.state != "done":
        raise RuntimeError(ended.error)
    return engine.export(run.id, "csv")


@cache
def module_of(engine: Engine, model_id: str) -> lightning.LightningModule:
    """The model's module, built as the engine builds it, once."""
    entry = engine.model(model_id)
    card = entry.usable_card()
    module = build_module(card, entry.folder, load_checkpoint(entry.folder / card.checkpoint, card))
    assert isinstance(module, lightning.LightningModule)
    return module


def _predict(module: lightning.LightningModule, loader: DataLoader) -> torch.Tensor:
    found = lightning.Trainer(accelerator="auto", default_root_dir=tempfile.gettempdir()).predict(module, loader)
    return torch.cat(found)  # type: ignore[arg-type]


def _labelled(found: torch.Tensor) -> dict[str, np.ndarray]:
    if found.shape[1] == 1:
        return {"progression_estimate": found[:, 0].numpy()}
    probabilities = found.softmax(1)
    confidence, chosen = probabilities.max(1)
    names = np.array([f"class-{number}" for number in range(found.shape[1])])
    columns = {f"probability_{number}": column for number, column in enumerate(probabilities.numpy().T)}
    return {"prediction": names[chosen.numpy()], "confidence": confidence.numpy(), **columns}


def _tutorial_table(engine: Engine, model_id: str, path: Path, folder: Path, *, pair: bool) -> None:
    frame = pd.read_csv(path)
    x = torch.tensor(frame.to_numpy(), dtype=torch.float32)
    data: Dataset = TensorDataset(x, torch.zeros(len(x), 1)) if pair else x  # type: ignore[assignment]
    found = _predict(module_of(engine, model_id), DataLoader(data, batch_size=32))
    frame.assign(**_labelled(found)).to_csv(folder / "out.csv", index=False)


def _limit_table(engine: Engine, model_id: str, path: Path, folder: Path) -> None:
    frame = pl.read_csv(path)
    module = module_of(engine, model_id)
    x = torch.from_numpy(frame.cast(pl.Float32).to_numpy())
    with torch.inference_mode():
        found = torch.cat([module(part.contiguous()) for part in x.split(16_384)])
    frame.with_columns(**{name: pl.Series(values) for name, values in _labelled(found).items()}).write_csv(
        folder / "out.csv"
    )


def _tutorial_pictures(engine: Engine, path: Path, folder: Path) -> None:
    class Unzipped(Dataset):
        def __init__(self) -> None:
            self.files = sorted((folder / "unzipped").rglob("*.png"))

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, index: int) -> torch.Tensor:
            picture = to_tensor(Image.open(self.files[index]).convert("RGB"))
            return (picture - MEAN) / STD

    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "unzipped")
    data = Unzipped()
    found = _predict(module_of(engine, "small-cnn"), DataLoader(data, batch_size=32))
    names = [file.name for file in data.files]
    pd.DataFrame({"file": names, **_labelled(found)}).to_csv(folder / "out.csv", index=False)


MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).reshape(3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).reshape(3, 1, 1)


def _limit_pictures(engine: Engine, path: Path, folder: Path) -> None:
    module = module_of(engine, "small-cnn")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        contents = [archive.read(name) for name in names]

    def decoded(part: Sequence[bytes]) -> torch.Tensor:
        pixels = torch.empty(len(part), 3, 32, 32, dtype=torch.uint8)
        for place, content in enumerate(part):
            pixels[place] = decode_image(torch.frombuffer(bytearray(content), dtype=torch.uint8), ImageReadMode.RGB)
        return pixels

    parts = [contents[start : start + 128] for start in range(0, len(contents), 128)]
    with torch.inference_mode(), ThreadPoolExecutor(2) as pool:
        found = torch.cat([module((pixels.float().div_(255) - MEAN) / STD) for pixels in pool.map(decoded, parts)])
    pl.DataFrame({"file": names, **_labelled(found)}).write_csv(folder / "out.csv")


def _tutorial_series(engine: Engine, path: Path, folder: Path) -> None:
    frame = pd.read_csv(path)
    x = torch.tensor(frame.iloc[:, 2:].to_numpy(), dtype=torch.float32).reshape(-1, 20, 5)
    found = _predict(module_of(engine, "lorenz-state"), DataLoader(TensorDataset(x, x), batch_size=32)).reshape(-1, 3)
    states = {f"state_{name}": found[:, number].numpy() for number, name in enumerate("xyz")}
    frame.assign(**states).to_csv(folder / "out.csv", index=False)


def _limit_series(engine: Engine, path: Path, folder: Path) -> None:
    frame = pl.read_csv(path)
    module = module_of(engine, "lorenz-state")
    x = torch.from_numpy(frame[:, 2:].cast(pl.Float32).to_numpy().copy()).reshape(-1, 20, 5)
    with torch.inference_mode():
        found = torch.cat([module(part)[0] for part in x.split(128)]).reshape(-1, 3).numpy()
    states = {f"state_{name}": found[:, number] for number, name in enumerate("xyz")}
    frame.with_columns(**{name: pl.Series(values) for name, values in states.items()}).write_csv(folder / "out.csv")


def _table(engine: Engine, model_id: str, path: Path, rows: int) -> Path:
    random = np.random.default_rng(0)
    columns = {}
    for column in engine.model(model_id).usable_card().signature:
        low, high = column.range or (-1, 1)
        values = random.uniform(low, high, rows).astype(np.float32)
        columns[column.name] = random.integers(1, 3, rows) if column.type == "integer" else values
    pl.DataFrame(columns).write_csv(path)
    return path


def _series(path: Path, series: int) -> Path:
    values = np.random.default_rng(0).normal(0, 20, (series * 20, 5)).astype(np.float32)
    order = {"series": np.repeat(np.arange(1, series + 1), 20), "step": np.tile(np.arange(1, 21), series)}
    sensors = {f"sensor_{number + 1}": values[:, number] for number in range(5)}
    pl.DataFrame({**order, **sensors}).write_csv(path)
    return path
