"""LightningModules of well-known packages, unchanged, served with a card: as figures of the package's own predict.

Each is trained here, tiny; `make test-ecosystem` installs the packages and runs this.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from engine import Engine, Settings
from tests.conftest import Predicting

pytestmark = [pytest.mark.ecosystem, pytest.mark.filterwarnings("ignore")]
MODELS = Path(__file__).parent / "models"
_MOST_LINES = 30
_QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def _plain(value: object) -> bool:
    """Whether a checkpoint that runs no code can hold it."""
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    return all(map(_plain, value)) if isinstance(value, list) else isinstance(value, str | int | float | type(None))


def _save(module: Any, path: Path, **hyper_parameters: Any) -> None:
    """Weights and plain hyper-parameters: these packages put objects into theirs, which are never loaded."""
    torch.save({"state_dict": module.state_dict(), "hyper_parameters": hyper_parameters}, path)


def molecules(folder: Path) -> tuple[list[Path], list[float]]:
    """chemprop: a message passing network over graphs of molecules."""
    from chemprop import data, models, nn
    from lightning.pytorch import Trainer

    with (folder / "molecules.csv").open() as file:
        smiles = [row["smiles"] for row in csv.DictReader(file)]
    points = [data.MoleculeDatapoint.from_smi(text, [float(len(text))]) for text in smiles]
    dataset = data.MoleculeDataset(points)
    scaler = dataset.normalize_targets()
    unscale = nn.UnscaleTransform.from_standard_scaler(scaler)
    head = nn.RegressionFFN(input_dim=16, hidden_dim=8, output_transform=unscale)
    module = models.MPNN(nn.BondMessagePassing(d_h=16, depth=2), nn.MeanAggregation(), head)
    trainer = Trainer(max_epochs=2, **_QUIET)
    trainer.fit(module, data.build_dataloader(dataset, batch_size=4))
    _save(module, folder / "model.ckpt")
    own = trainer.predict(module, data.build_dataloader(dataset, shuffle=False))
    return [folder / "molecules.csv"], torch.cat(own).flatten().tolist()


def sales(folder: Path) -> tuple[list[Path], list[float]]:
    """pytorch-forecasting: a temporal fusion transformer."""
    import pandas as pd
    from lightning.pytorch import Trainer
    from pytorch_forecasting import QuantileLoss, TemporalFusionTransformer, TimeSeriesDataSet
    from pytorch_forecasting.data import EncoderNormalizer

    days = np.arange(43)
    shops = [pd.DataFrame({"shop": f"s{n}", "day": days, "sales": 5 * np.sin(days / 3 + n) + 20 + n}) for n in range(6)]
    frame = pd.concat(shops, ignore_index=True)

    def windows(rows: pd.DataFrame, **more: Any) -> Any:
        return TimeSeriesDataSet(
            rows, time_idx="day", target="sales", group_ids=["shop"], time_varying_unknown_reals=["sales"],
            max_encoder_length=12, min_encoder_length=12, max_prediction_length=3,
            target_normalizer=EncoderNormalizer(), **more,
        )  # fmt: skip

    training = windows(frame[frame.day < 28])
    module = TemporalFusionTransformer.from_dataset(
        training, hidden_size=8, attention_head_size=1, hidden_continuous_size=4, loss=QuantileLoss(), optimizer="adam"
    )
    Trainer(max_epochs=2, **_QUIET).fit(module, training.to_dataloader(train=True, batch_size=32, num_workers=0))
    hyper_parameters = {name: value for name, value in module.hparams.items() if _plain(value)}
    _save(module, folder / "model.ckpt", **hyper_parameters)
    last = windows(frame, predict_mode=True).to_dataloader(train=False, batch_size=8, num_workers=0)
    own = module.predict(last, trainer_kwargs=_QUIET)
    frame[(frame.day >= 28) & (frame.day < 40)].to_csv(folder / "shops.csv", index=False)
    return [folder / "shops.csv"], np.repeat(own.cpu().numpy(), 12, axis=0).flatten().tolist()


def surfaces(folder: Path) -> tuple[list[Path], list[float]]:
    """anomalib: PaDiM, which learns what is usual; its backbone keeps its first weights, as there is no network."""
    from anomalib.data import Folder, PredictDataset
    from anomalib.engine import Engine as Anomalib
    from anomalib.models import Padim
    from PIL import Image

    random = np.random.default_rng(0)
    (folder / "pictures" / "masks").mkdir(parents=True)
    for kind, count in (("good", 8), ("bad", 4)):
        (folder / "pictures" / kind).mkdir()
        for number in range(count):
            pixels = random.normal(120, 8, (256, 256, 3)).clip(0, 255).astype(np.uint8)
            if kind == "bad":
                mask = np.zeros((256, 256), np.uint8)
                mask[64:128, 32 * number : 32 * number + 32] = 255
                pixels[mask > 0] = 250
                Image.fromarray(mask).save(folder / "pictures" / "masks" / f"{number}.png")
            Image.fromarray(pixels).save(folder / "pictures" / kind / f"{number}.png")
    data = Folder(
        "pictures", root=folder / "pictures", normal_dir="good", abnormal_dir="bad", mask_dir="masks", num_workers=0
    )
    module = Padim(layers=["layer1"], pre_trained=False, n_features=8, evaluator=False, visualizer=False)
    engine = Anomalib(accelerator="cpu", default_root_dir=folder / "anomalib", logger=False, max_epochs=1)
    engine.fit(module, datamodule=data)
    next((folder / "anomalib").glob("**/v0/**/model.ckpt")).rename(folder / "model.ckpt")
    batches = engine.predict(module, dataset=PredictDataset(folder / "pictures" / "bad"))
    own = {Path(path).name: float(s) for b in batches for path, s in zip(b.image_path, b.pred_score, strict=True)}
    return sorted((folder / "pictures" / "bad").iterdir()), [own[name] for name in sorted(own)]


CASES: dict[str, tuple[Callable[[Path], tuple[list[Path], list[float]]], tuple[str, ...]]] = {
    "chemprop": (molecules, ("length",)),
    "pytorch-forecasting": (sales, ("ahead_1", "ahead_2", "ahead_3")),
    "anomalib": (surfaces, ("score",)),
}


@pytest.mark.parametrize("package", CASES)
def test_figures_are_those_of_the_package(package: str, tmp_path: Path) -> None:
    make, columns = CASES[package]
    folder = shutil.copytree(MODELS / package, tmp_path / "models" / package)
    assert all(len(path.read_text().splitlines()) <= _MOST_LINES for path in folder.glob("*.py"))
    torch.manual_seed(0)
    paths, expected = make(folder)
    engine = Engine(Settings(home=tmp_path / "home", models=(tmp_path / "models",), accelerator="cpu"))
    try:
        lines = Predicting(engine).results(package, paths).page(0, 200)
    finally:
        engine.close()
    found = lines.select(columns).to_numpy().flatten()
    print(package, version(package), "largest difference", np.abs(found - np.array(expected)).max())
    assert found.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert lines["status"].unique().to_list() == ["ok"]
    assert len(set(found.tolist())) > 1
    assert isinstance(lines, pl.DataFrame)
