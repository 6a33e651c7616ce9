"""el-nino: the next twelve months of sea temperature, with quantiles, from the three years before."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytorch_lightning as lightning
import torch
from torch.utils.data import TensorDataset
from torchmetrics.functional import mean_absolute_error, mean_squared_error

from engine.demos.forecaster import Forecaster
from engine.demos.training import SEED, figure, fit, publish

CONTEXT, HORIZON, QUANTILES = 36, 12, (0.1, 0.5, 0.9)
_FIRST_YEAR, _LAST_TRAINED = 1950, 1994
_SHOWN = (1995, 1996, 1997, 2000, 2002, 2005)  # first months to be forecast are the Januaries three years later


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on the months up to 1994 and writes the model's folder."""
    lightning.seed_everything(SEED)
    months = temperatures()
    cut = 12 * (_LAST_TRAINED + 1 - _FIRST_YEAR)
    x, y = windows(months[:cut])
    module = Forecaster(CONTEXT, HORIZON, QUANTILES)
    module.middle.fill_(months[:cut].mean())
    module.spread.fill_(months[:cut].std())
    trainer = fit(module, TensorDataset(x, y), epochs or 60, 32)
    held_x, held_y = windows(months[cut:])
    with torch.inference_mode():
        found = module(held_x)
    low, middle, high = found.unbind(-1)
    where = f"{len(held_x)} windows of {_LAST_TRAINED + 1} to 2010"
    scale = (held_x[:, 12:, 0] - held_x[:, :-12, 0]).abs().mean(1, keepdim=True)
    figures = [
        figure("MAE", mean_absolute_error(middle.reshape(-1), held_y.reshape(-1)).item(), where, "°C"),
        figure("RMSE", mean_squared_error(middle.reshape(-1), held_y.reshape(-1), squared=False).item(), where, "°C"),
        figure("MASE", ((middle - held_y).abs() / scale).mean().item(), where),
        figure("Coverage of the 80 % band", ((held_y >= low) & (held_y <= high)).float().mean().item(), where),
    ]
    _write_samples(folder / "samples", months)
    publish(folder, trainer, _card(months[:cut], figures))


def temperatures() -> torch.Tensor:
    """The monthly temperatures from January 1950 on, in °C."""
    spec = importlib.util.find_spec("statsmodels")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("statsmodels is not installed; it brings the data: pip install statsmodels")
    table = pl.read_csv(Path(spec.origin).parent / "datasets" / "elnino" / "elnino.csv")
    return torch.from_numpy(table.drop("YEAR").cast(pl.Float32).to_numpy().reshape(-1).copy())


def windows(months: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(histories (n, CONTEXT, 1), what came after each (n, HORIZON)) of every month on which both fit."""
    parts = months.unfold(0, CONTEXT + HORIZON, 1)
    return parts[:, :CONTEXT, None].contiguous(), parts[:, CONTEXT:].contiguous()


def _write_samples(folder: Path, months: torch.Tensor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_lines(months, year) for year in _SHOWN]
    later = pl.concat(parts)
    history = later.filter(pl.col("temperature").is_not_null()).drop("temperature_later")
    history.write_csv(folder / "sea-temperatures.csv")
    later.write_csv(folder / "sea-temperatures-and-later.csv")
    broken = history.filter(~((pl.col("series") == "1996-1998") & (pl.col("month") < "1996-07")))
    cells = broken.head(36 + 30 + 36).with_columns(pl.col("temperature").cast(pl.String)).to_dict(as_series=False)
    cells["temperature"][80] = "warm"
    pl.DataFrame(cells).write_csv(folder / "sea-temperatures-with-mistakes.csv")


def _lines(months: torch.Tensor, year: int) -> pl.DataFrame:
    """Three years of history from January of that year on, and the twelve months after, whose value is empty."""
    start = 12 * (year - _FIRST_YEAR)
    values = np.round(months[start : start + CONTEXT + HORIZON].double().numpy(), 2)
    names = [f"{year + place // 12}-{place % 12 + 1:02d}" for place in range(CONTEXT + HORIZON)]
    table = pl.DataFrame({"series": f"{year}-{year + 2}", "month": names, "value": values})
    known = pl.int_range(pl.len()) < CONTEXT
    value = pl.col("value")
    return table.select(
        "series",
        "month",
        pl.when(known).then(value).alias("temperature"),
        pl.when(~known).then(value).alias("temperature_later"),
    )


def _card(months: torch.Tensor, figures: list[dict[str, object]]) -> dict[str, object]:
    trained = [round(float(value), 2) for value in torch.quantile(months, torch.tensor([0, 0.25, 0.5, 0.75, 1.0]))]
    return {
        "title": "El Niño",
        "task": "time-series-forecasting",
        "module": "engine.demos.forecaster:Forecaster",
        "checkpoint": "model.ckpt",
        "description": "The temperature of the sea off Peru (Niño 1+2, 0–10° S, 90–80° W) in each of the next twelve "
        "months, from at least three years before: the median, and the band in which eight of ten should lie.",
        "source": "NOAA, monthly sea surface temperatures 1950 to 2010; through statsmodels",
        "license": "public domain",
        "signature": [
            {
                "name": "temperature",
                "unit": "°C",
                "range": [-5, 45],
                "trained": trained,
                "description": "mean of the month",
                "example": 24.5,
            }
        ],
        "sequence": {"series": "series", "step": "month", "length": CONTEXT, "step_unit": "months"},
        "forecast": {"of": "temperature", "horizon": HORIZON, "quantiles": list(QUANTILES), "season": 12},
        "target": "temperature_later",
        "samples": [
            {"title": "6 histories", "files": ["samples/sea-temperatures.csv"]},
            {"title": "6 histories and what came later", "files": ["samples/sea-temperatures-and-later.csv"]},
            {"title": "3 histories with mistakes", "files": ["samples/sea-temperatures-with-mistakes.csv"]},
        ],
        "figures": figures,
    }
