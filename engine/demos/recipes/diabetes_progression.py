"""diabetes-progression: linear regression on 442 patients, in the units a clinic writes down."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytorch_lightning as lightning
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional import mean_absolute_error, mean_squared_error, r2_score

from engine.demos.linear_regression import LinearRegressionModel
from engine.demos.training import SEED, figure, fit, publish

COLUMNS = (
    ("age", "years", (0, 120), "age"),
    ("sex", "", (1, 2), "1 or 2, as coded in the study"),
    ("bmi", "kg/m²", (10, 80), "body mass index"),
    ("bp", "mm Hg", (30, 250), "mean blood pressure"),
    ("s1", "mg/dL", (50, 600), "total serum cholesterol"),
    ("s2", "mg/dL", (10, 500), "low-density lipoproteins"),
    ("s3", "mg/dL", (5, 200), "high-density lipoproteins"),
    ("s4", "", (0.5, 20), "total cholesterol / HDL"),
    ("s5", "log(mg/dL)", (1, 10), "logarithm of serum triglycerides"),
    ("s6", "mg/dL", (20, 600), "blood sugar"),
)


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the patients and writes the model's folder."""
    lightning.seed_everything(SEED)
    bunch = load_diabetes(scaled=False)
    x, y = torch.tensor(bunch.data, dtype=torch.float32), torch.tensor(bunch.target, dtype=torch.float32)[:, None]
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED)
    mean, deviation, middle, spread = x[chosen].mean(0), x[chosen].std(0), y[chosen].mean(), y[chosen].std()
    module = LinearRegressionModel(10, 1)
    trainer = fit(
        module, TensorDataset((x[chosen] - mean) / deviation, (y[chosen] - middle) / spread), epochs or 80, 32
    )
    _to_raw_units(module, mean, deviation, middle, spread)
    with torch.inference_mode():
        found = module(x[held])
    where = f"{len(held)} patients held out"
    figures = [
        figure("RMSE", mean_squared_error(found, y[held], squared=False).item(), where),
        figure("MAE", mean_absolute_error(found, y[held]).item(), where),
        figure("R²", r2_score(found, y[held]).item(), where),
    ]
    _write_samples(folder / "samples", x[held], y[held])
    publish(folder, trainer, _card(figures, x[held][0]))


def _to_raw_units(
    module: LinearRegressionModel,
    mean: torch.Tensor,
    deviation: torch.Tensor,
    middle: torch.Tensor,
    spread: torch.Tensor,
) -> None:
    """Moves the scaling of inputs and output into the weights, so that the model takes a clinic's own units."""
    with torch.no_grad():
        weight = module.linear.weight * spread / deviation
        module.linear.bias.copy_(module.linear.bias * spread + middle - weight @ mean)
        module.linear.weight.copy_(weight)


def _write_samples(folder: Path, x: torch.Tensor, y: torch.Tensor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name, *_ in COLUMNS]
    cells = [[f"{value:.4g}" for value in row] for row in x.tolist()]
    table = pl.DataFrame(cells, schema=names, orient="row").with_row_index("patient", offset=1)
    table = table.with_columns(pl.format("P{}", pl.col("patient").cast(pl.String).str.zfill(4)).alias("patient"))
    labelled = table.with_columns(pl.Series("progression", [f"{value:.0f}" for value in y[:, 0].tolist()]))
    labelled.write_csv(folder / "patients-with-outcome.csv")
    table.head(30).write_csv(folder / "patients.csv")
    broken = table.head(12).to_dict(as_series=False)
    broken["bmi"][2], broken["bp"][4], broken["s1"][6], broken["age"][8] = "obese", "", "9999", "-3"
    pl.DataFrame(broken).rename({"s6": "S6 "}).write_csv(folder / "patients-with-mistakes.csv")


def _card(figures: list[dict[str, object]], example: torch.Tensor) -> dict[str, object]:
    signature = [
        {
            "name": name,
            "type": "integer" if name == "sex" else "float",
            **({"unit": unit} if unit else {}),
            "range": list(span),
            "description": words,
            "example": int(value) if name == "sex" else float(f"{value:.4g}"),
        }
        for (name, unit, span, words), value in zip(COLUMNS, example.tolist(), strict=True)
    ]
    return {
        "title": "Diabetes progression",
        "task": "tabular-regression",
        "module": "engine.demos.linear_regression:LinearRegressionModel",
        "checkpoint": "model.ckpt",
        "hyper_parameters": {"input_dim": 10, "output_dim": 1},
        "description": "How far diabetes has progressed a year on, from ten measurements taken at the start. "
        "A linear regression: an example to try, not a medical device.",
        "source": "Efron, Hastie, Johnstone, Tibshirani (2004), Least Angle Regression; through scikit-learn",
        "license": "data in the public domain",
        "signature": signature,
        "outputs": [
            {"name": "progression_estimate", "description": "Disease progression after one year", "unit": "points"}
        ],
        "target": "progression",
        "samples": [
            {"title": "30 patients", "files": ["samples/patients.csv"]},
            {"title": "89 patients with their outcome", "files": ["samples/patients-with-outcome.csv"]},
            {"title": "12 patients with mistakes", "files": ["samples/patients-with-mistakes.csv"]},
        ],
        "figures": figures,
    }
