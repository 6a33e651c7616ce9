"""penguins: flipper and body mass, in their own units, of 333 penguins measured at Palmer Station."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytorch_lightning as lightning
import torch
from palmerpenguins import load_penguins
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional import mean_absolute_error, r2_score

from engine.demos.mlp import MlpRegressor
from engine.demos.training import SEED, figure, fit, publish

_CATEGORIES = {"species": ["Adelie", "Chinstrap", "Gentoo"], "sex": ["female", "male"]}
_MEASURED = {"bill_length_mm": "bill_length", "bill_depth_mm": "bill_depth"}
_OUTPUTS = {"flipper_length_mm": ("flipper_length", "mm"), "body_mass_g": ("body_mass", "g")}


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the penguins and writes the model's folder."""
    lightning.seed_everything(SEED)
    birds = pl.from_pandas(load_penguins()).drop_nulls()
    codes = [pl.col(name).replace_strict(words, range(len(words))) for name, words in _CATEGORIES.items()]
    x = torch.tensor(birds.select(*codes, *_MEASURED).cast(pl.Float32).to_numpy())
    y = torch.tensor(birds.select(*_OUTPUTS).cast(pl.Float32).to_numpy())
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED, stratify=birds["species"])
    module = MlpRegressor(x.shape[1], y.shape[1])
    for buffer, of in ((module.mean, x), (module.middle, y)):
        buffer.copy_(of[chosen].mean(0))
    for buffer, of in ((module.deviation, x), (module.spread, y)):
        buffer.copy_(of[chosen].std(0))
    trainer = fit(module, TensorDataset(x[chosen], y[chosen]), epochs or 120, 32)
    with torch.inference_mode():
        found = module(x[held])
    where, figures = f"{len(held)} penguins held out", []
    for number, (name, unit) in enumerate(_OUTPUTS.values()):
        words = name.replace("_", " ")
        figures += [
            figure(f"R² of {words}", r2_score(found[:, number], y[held][:, number]).item(), where),
            figure(f"MAE of {words}", mean_absolute_error(found[:, number], y[held][:, number]).item(), where, unit),
        ]
    _write_samples(folder / "samples", birds[held])
    publish(folder, trainer, _card(birds, figures))


def _write_samples(folder: Path, birds: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    measured = {name: f"measured_{output}" for name, (output, _) in _OUTPUTS.items()}
    table = birds.rename({**_MEASURED, **measured}).with_row_index("bird", offset=1)
    table = table.select("bird", "island", *_CATEGORIES, *_MEASURED.values(), *measured.values())
    inputs = table.drop(*measured.values())
    inputs.write_csv(folder / "penguins.csv")
    table.write_csv(folder / "penguins-measured.csv")
    broken = inputs.head(10).with_columns(pl.all().cast(pl.String)).to_dict(as_series=False)
    broken["species"][1], broken["bill_depth"][4], broken["bill_length"][6] = "Gento", "", "four"
    pl.DataFrame(broken).rename({"sex": "Sex"}).write_csv(folder / "penguins-with-mistakes.csv")


def _card(birds: pl.DataFrame, figures: list[dict[str, object]]) -> dict[str, object]:
    words = {"bill_length": "along the upper ridge", "bill_depth": "where the bill is deepest"}
    numbers = [
        {
            "name": name,
            "unit": "mm",
            "range": [5, 100],
            "trained": [round(float(birds[column].quantile(share) or 0), 1) for share in (0, 0.25, 0.5, 0.75, 1)],
            "description": words[name],
        }
        for column, name in _MEASURED.items()
    ]
    categories = [{"name": name, "type": "category", "categories": known} for name, known in _CATEGORIES.items()]
    return {
        "title": "Penguins",
        "task": "tabular-regression",
        "module": "engine.demos.mlp:MlpRegressor",
        "checkpoint": "model.ckpt",
        "description": "How long a penguin's flippers are and how much it weighs, from its bill, its species and its "
        "sex: two values at once, each in its own unit.",
        "source": "Gorman, Williams, Fraser (2014), Palmer Station LTER; through palmerpenguins (Horst, Hill, Gorman)",
        "license": "CC0 1.0",
        "signature": [*categories, *numbers],
        "outputs": [
            {"name": "flipper_length", "unit": "mm", "description": "Length of the flipper"},
            {"name": "body_mass", "unit": "g", "description": "Body mass"},
        ],
        "targets": {name: f"measured_{name}" for name, _ in _OUTPUTS.values()},
        "samples": [
            {"title": "67 penguins", "files": ["samples/penguins.csv"]},
            {"title": "67 penguins with what was measured", "files": ["samples/penguins-measured.csv"]},
            {"title": "10 penguins with mistakes", "files": ["samples/penguins-with-mistakes.csv"]},
        ],
        "figures": figures,
    }
