"""breast-cancer: a small perceptron on 569 biopsies, 30 measurements of cell nuclei each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytorch_lightning as lightning
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional.classification import binary_accuracy, binary_auroc

from engine.demos.mlp import MlpClassifier
from engine.demos.training import SEED, figure, fit, publish

LABELS = ("malignant", "benign")


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the biopsies and writes the model's folder."""
    lightning.seed_everything(SEED)
    bunch = load_breast_cancer()
    x, y = torch.tensor(bunch.data, dtype=torch.float32), torch.tensor(bunch.target)
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED, stratify=bunch.target)
    module = MlpClassifier(30, 2)
    module.mean.copy_(x[chosen].mean(0))
    module.deviation.copy_(x[chosen].std(0))
    trainer = fit(module, TensorDataset(x[chosen], y[chosen]), epochs or 25, 32)
    with torch.inference_mode():
        benign = module(x[held]).softmax(1)[:, 1]
    where = f"{len(held)} biopsies held out"
    figures = [
        figure("Accuracy", binary_accuracy(benign, y[held]).item(), where),
        figure("AUROC", binary_auroc(benign, y[held]).item(), where),
    ]
    names = [str(name).replace(" ", "_") for name in bunch.feature_names]
    _write_samples(folder / "samples", names, bunch.data[held], bunch.target[held])
    publish(folder, trainer, _card(names, bunch.data, bunch.data[held][0], figures))


def _write_samples(folder: Path, names: list[str], x: np.ndarray, y: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ids = pl.Series("biopsy", [f"{number:05d}" for number in range(1, len(x) + 1)])
    table = pl.DataFrame(x, schema=names).insert_column(0, ids)
    table.head(40).write_csv(folder / "biopsies.csv")
    diagnosis = pl.Series("diagnosis", [LABELS[number] for number in y])
    table.with_columns(diagnosis).write_csv(folder / "biopsies-with-diagnosis.csv")
    broken = table.head(10).with_columns(pl.all().cast(pl.String)).to_dict(as_series=False)
    broken["mean_area"][3], broken["mean_texture"][5], broken["worst_radius"][7] = "large", "-4.2", ""
    pl.DataFrame(broken).rename({"mean_radius": "Mean radius"}).write_csv(folder / "biopsies-with-mistakes.csv")


def _card(names: list[str], x: np.ndarray, example: np.ndarray, figures: list[dict[str, object]]) -> dict[str, object]:
    signature = [
        {
            "name": name,
            "unit": _unit(name),
            "range": [0, _roof(top)],
            "description": _words(name),
            "example": float(f"{value:.4g}"),
        }
        for name, top, value in zip(names, x.max(0), example, strict=True)
    ]
    return {
        "title": "Breast cancer biopsies",
        "task": "tabular-classification",
        "module": "engine.demos.mlp:MlpClassifier",
        "checkpoint": "model.ckpt",
        "description": "Whether a biopsy is malignant or benign, from thirty measurements of the cell nuclei in it. "
        "An example to try, not a medical device.",
        "source": "Wolberg, Mangasarian, Street (1995), Breast Cancer Wisconsin (Diagnostic); through scikit-learn",
        "license": "CC BY 4.0",
        "signature": [{key: value for key, value in column.items() if value != ""} for column in signature],
        "labels": list(LABELS),
        "target": "diagnosis",
        "samples": [
            {"title": "40 biopsies", "files": ["samples/biopsies.csv"]},
            {"title": "114 biopsies with their diagnosis", "files": ["samples/biopsies-with-diagnosis.csv"]},
            {"title": "10 biopsies with mistakes", "files": ["samples/biopsies-with-mistakes.csv"]},
        ],
        "figures": figures,
    }


def _roof(top: float) -> float:
    """A bound that no nucleus reaches: ten times the largest value seen, in round figures."""
    return float(f"{10 * top:.1g}")


def _unit(name: str) -> str:
    lengths, areas = ("radius", "perimeter"), ("area",)
    return "px" if any(word in name for word in lengths) else "px²" if any(word in name for word in areas) else ""


def _words(name: str) -> str:
    kinds = {"mean_": "mean over the nuclei", "worst_": "mean of the three largest nuclei"}
    return next((words for start, words in kinds.items() if name.startswith(start)), "standard error over the nuclei")
