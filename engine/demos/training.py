"""How every recipe trains and publishes: a quiet Trainer in, a card and a checkpoint out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from torch.utils.data import DataLoader, TensorDataset

from engine.cards.card import ModelCard, file_hash
from engine.models.registry import CARD_FILE

SEED = 7


def quiet_trainer(epochs: int, precision: str = "32-true") -> pl.Trainer:
    """A Trainer that only trains."""
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=epochs,
        precision=precision,  # type: ignore[arg-type]
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def fit(module: pl.LightningModule, data: TensorDataset, epochs: int, batch_size: int) -> pl.Trainer:
    """Trains the module in place, on shuffled batches, and leaves it in eval mode."""
    trainer = quiet_trainer(epochs)
    trainer.fit(module, DataLoader(data, batch_size=batch_size, shuffle=True))
    module.eval()
    return trainer


def publish(folder: Path, trainer: pl.Trainer, card: Mapping[str, Any]) -> None:
    """Writes checkpoint (weights and hyper-parameters only) and card, with the checkpoint's hash in it."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer.save_checkpoint(folder / "model.ckpt", weights_only=True)
    content = {**card, "sha256": file_hash(folder / "model.ckpt")}
    ModelCard.model_validate(content)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    written = f"# Written by `python -m engine.demos.train {folder.name}`, figures included.\n"
    (folder / CARD_FILE).write_text(written + text, encoding="utf-8")


def figure(name: str, value: float, data: str, unit: str = "") -> dict[str, Any]:
    """One figure of a card, with the digits that mean something."""
    return {"name": name, "value": float(f"{value:.4g}"), "data": data, **({"unit": unit} if unit else {})}
