"""lorenz-state: from five noisy mixtures of a simulated Lorenz system to its three true states, step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytorch_lightning as lightning
import torch
from torch.utils.data import TensorDataset
from torchmetrics.functional import mean_squared_error, r2_score

from engine.demos.lstm import LSTMModel
from engine.demos.training import SEED, figure, fit, publish

STEPS, STEP_TIME, SUBSTEPS, NOISE = 20, 0.05, 5, 1.0
SENSORS = tuple(f"sensor_{number}" for number in range(1, 6))
STATES = ("x", "y", "z")
TRAINING, HELD = 4_000, 500


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on simulated series and writes the model's folder."""
    lightning.seed_everything(SEED)
    states = simulate(TRAINING + HELD, np.random.default_rng(SEED))
    sensors = measure(states, np.random.default_rng(SEED + 1))
    x, y = (torch.from_numpy(values.astype(np.float32)) for values in (sensors, states))
    mean, deviation = x[:TRAINING].mean((0, 1)), x[:TRAINING].std((0, 1))
    middle, spread = y[:TRAINING].mean((0, 1)), y[:TRAINING].std((0, 1))
    module = LSTMModel(len(SENSORS), 128, len(STATES))
    scaled = TensorDataset((x[:TRAINING] - mean) / deviation, (y[:TRAINING] - middle) / spread)
    trainer = fit(module, scaled, epochs or 20, 128)
    _to_raw_units(module, mean, deviation, middle, spread)
    with torch.inference_mode():
        found = module(x[TRAINING:])[0]
    where = f"{HELD:,} series held out"
    flat, truth = found.reshape(-1, 3), y[TRAINING:].reshape(-1, 3)
    figures = [
        figure("R²", r2_score(flat, truth).item(), where),
        figure("RMSE", mean_squared_error(flat, truth, squared=False).item(), where),
        figure(
            "RMSE, last step",
            mean_squared_error(found[:, -1].contiguous(), y[TRAINING:, -1].contiguous(), squared=False).item(),
            where,
        ),
    ]
    _write_samples(folder / "samples", sensors[TRAINING:])
    publish(folder, trainer, _card(figures, sensors[TRAINING, 0]))


def simulate(series: int, random: np.random.Generator) -> np.ndarray:
    """States (series, STEPS, 3) on the Lorenz attractor (σ 10, ρ 28, β 8/3), by Runge-Kutta of fourth order."""
    state = random.normal(0, 1, (series, 3)) * [8, 9, 8] + [0, 0, 24]
    step = STEP_TIME / SUBSTEPS
    for _ in range(1_000):
        state = _runge_kutta(state, step)
    seen = []
    for _ in range(STEPS):
        for _ in range(SUBSTEPS):
            state = _runge_kutta(state, step)
        seen.append(state)
    return np.stack(seen, axis=1)


def measure(states: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Five fixed mixtures (series, STEPS, 5) of the three states, with noise of standard deviation NOISE."""
    mixing = np.random.default_rng(1963).normal(0, 1, (3, len(SENSORS)))
    sensors: np.ndarray = states @ mixing + random.normal(0, NOISE, (*states.shape[:2], len(SENSORS)))
    return sensors


def _runge_kutta(state: np.ndarray, step: float) -> np.ndarray:
    first = _slope(state)
    second = _slope(state + step / 2 * first)
    third = _slope(state + step / 2 * second)
    fourth = _slope(state + step * third)
    result: np.ndarray = state + step / 6 * (first + 2 * second + 2 * third + fourth)
    return result


def _slope(state: np.ndarray) -> np.ndarray:
    x, y, z = state.T
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=1)


def _to_raw_units(
    module: LSTMModel, mean: torch.Tensor, deviation: torch.Tensor, middle: torch.Tensor, spread: torch.Tensor
) -> None:
    """Moves the scaling of sensors and states into the weights, so that the model takes and gives raw figures."""
    with torch.no_grad():
        weights = dict(module.lstm.named_parameters())
        weight = weights["weight_ih_l0"] / deviation
        weights["bias_ih_l0"].sub_(weight @ mean)
        weights["weight_ih_l0"].copy_(weight)
        module.head.bias.copy_(module.head.bias * spread + middle)
        module.head.weight.mul_(spread[:, None])


def _write_samples(folder: Path, sensors: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = long_table(sensors[:25])
    table.write_csv(folder / "25-series.csv", float_precision=3)
    table.filter(~((pl.col("series") == 2) & (pl.col("step") == 20))).head(119).write_csv(
        folder / "6-series-one-short.csv", float_precision=3
    )
    np.save(folder / "25-series.npy", sensors[:25].astype(np.float32))


def long_table(sensors: np.ndarray) -> pl.DataFrame:
    """One line a step: series and step from 1, then the sensors."""
    series, steps, _ = sensors.shape
    order = {"series": np.repeat(np.arange(1, series + 1), steps), "step": np.tile(np.arange(1, steps + 1), series)}
    flat = sensors.reshape(-1, len(SENSORS))
    return pl.DataFrame({**order, **{name: flat[:, number] for number, name in enumerate(SENSORS)}})


def _card(figures: list[dict[str, object]], example: np.ndarray) -> dict[str, object]:
    signature = [
        {
            "name": name,
            "range": [-1000, 1000],
            "description": "a noisy mixture of the three states",
            "example": round(float(value), 3),
        }
        for name, value in zip(SENSORS, example, strict=True)
    ]
    outputs = [{"name": f"state_{name}", "description": f"State {name} of the system"} for name in STATES]
    return {
        "title": "Lorenz state",
        "task": "sequence-regression",
        "module": "engine.demos.lstm:LSTMModel",
        "checkpoint": "model.ckpt",
        "description": "The three states of a chaotic system, at every step, from five noisy sensors that mix them. "
        "Series of 20 steps, 0.05 time units apart.",
        "source": "simulated: Lorenz (1963), Deterministic Nonperiodic Flow",
        "license": "Apache-2.0",
        "signature": signature,
        "sequence": {"series": "series", "step": "step", "length": STEPS, "step_unit": "0.05 time units"},
        "outputs": outputs,
        "samples": [
            {"title": "25 series", "files": ["samples/25-series.csv"]},
            {"title": "25 series as an array", "files": ["samples/25-series.npy"]},
            {"title": "6 series, one too short", "files": ["samples/6-series-one-short.csv"]},
        ],
        "figures": figures,
    }
