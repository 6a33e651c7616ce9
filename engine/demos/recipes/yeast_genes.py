"""yeast-genes: which of fourteen functions a gene of yeast has, from 103 figures of its expression and ancestry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytorch_lightning as lightning
import river
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional.classification import (
    multilabel_auroc,
    multilabel_f1_score,
    multilabel_hamming_distance,
)

from engine.demos.mlp import MlpLabeller
from engine.demos.training import SEED, figure, fit, publish

LABELS = tuple(f"function {number}" for number in range(1, 15))
_FEATURES = 103
_SHOWN = 100
_THRESHOLDS = np.arange(0.15, 0.66, 0.05)


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the genes, sets each label's threshold there, and writes the model's folder."""
    lightning.seed_everything(SEED)
    table = pl.read_csv(Path(river.__file__).parent / "datasets" / "yeast.csv.gz")
    x = torch.from_numpy(table.select(table.columns[:_FEATURES]).cast(pl.Float32).to_numpy().copy())
    y = torch.from_numpy(table.select(table.columns[_FEATURES:]).cast(pl.Float32).to_numpy().copy())
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED)
    module = MlpLabeller(_FEATURES, len(LABELS), 64)
    module.mean.copy_(x[chosen].mean(0))
    module.deviation.copy_(x[chosen].std(0))
    trainer = fit(module, TensorDataset(x[chosen], y[chosen]), epochs or 12, 64)
    with torch.inference_mode():
        known, found = module(x[chosen]).sigmoid(), module(x[held]).sigmoid()
    thresholds = _best_thresholds(known, y[chosen])
    where, truth, n = f"{len(held)} genes held out", y[held].long(), len(LABELS)
    decided = (found >= torch.tensor(thresholds)).long()
    figures = [
        figure("Micro F1", multilabel_f1_score(decided, truth, n, average="micro").item(), where),
        figure("Macro F1", multilabel_f1_score(decided, truth, n, average="macro").item(), where),
        figure("AUROC", multilabel_auroc(found, truth, n).item(), where),
        figure("Hamming loss", multilabel_hamming_distance(decided, truth, n, average="micro").item(), where),
    ]
    names = [f"att_{number}" for number in range(1, _FEATURES + 1)]
    _write_samples(folder / "samples", names, x[held].numpy(), y[held].numpy())
    publish(folder, trainer, _card(names, x.numpy(), x[held][0].numpy(), thresholds, figures))


def _best_thresholds(shares: torch.Tensor, truth: torch.Tensor) -> list[float]:
    """For each label the threshold with the best F1 on the genes trained on, in steps of 0.05."""
    n = len(LABELS)
    scores = torch.stack(
        [multilabel_f1_score((shares >= at).long(), truth.long(), n, average="none") for at in _THRESHOLDS]
    )
    return [round(float(_THRESHOLDS[place]), 2) for place in scores.argmax(0)]


def _write_samples(folder: Path, names: list[str], x: np.ndarray, y: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(x.round(4), schema=names).head(_SHOWN)
    table = table.insert_column(0, pl.Series("gene", [f"g{number:03d}" for number in range(1, len(table) + 1)]))
    table.head(40).write_csv(folder / "genes.csv", float_precision=4)
    held = ["; ".join(label for label, holds in zip(LABELS, line, strict=True) if holds) or "none" for line in y]
    functions = pl.Series("functions", held[: len(table)])
    table.with_columns(functions).write_csv(folder / "genes-with-functions.csv", float_precision=4)
    broken = table.head(10).with_columns(pl.all().cast(pl.String)).to_dict(as_series=False)
    broken["att_3"][2], broken["att_50"][4], broken["att_103"][6] = "high", "7.5", ""
    pl.DataFrame(broken).rename({"att_1": "Att_1"}).write_csv(folder / "genes-with-mistakes.csv")


def _card(
    names: list[str], x: np.ndarray, example: np.ndarray, thresholds: list[float], figures: list[dict[str, object]]
) -> dict[str, object]:
    quartiles = np.quantile(x, [0, 0.25, 0.5, 0.75, 1], axis=0).T
    return {
        "title": "Functions of yeast genes",
        "task": "tabular-multi-label-classification",
        "module": "engine.demos.mlp:MlpLabeller",
        "checkpoint": "model.ckpt",
        "description": "Which of fourteen functional classes a gene of baker's yeast belongs to, mostly several at "
        "once, from micro-array expression and phylogenetic profiles. The data set numbers the classes.",
        "source": "Elisseeff, Weston (2001), A kernel method for multi-labelled classification; through river",
        "license": "as distributed with river, BSD-3-Clause",
        "signature": [
            {
                "name": name,
                "range": [-2, 2],
                "trained": [float(f"{value:.3g}") for value in spread],
                "example": float(f"{value:.4g}"),
            }
            for name, spread, value in zip(names, quartiles, example, strict=True)
        ],
        "labels": list(LABELS),
        "thresholds": dict(zip(LABELS, thresholds, strict=True)),
        "target": "functions",
        "samples": [
            {"title": "40 genes", "files": ["samples/genes.csv"]},
            {"title": f"{_SHOWN} genes with their functions", "files": ["samples/genes-with-functions.csv"]},
            {"title": "10 genes with mistakes", "files": ["samples/genes-with-mistakes.csv"]},
        ],
        "figures": figures,
    }
