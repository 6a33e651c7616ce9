"""An LSTM that gives an output at every step."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

State = tuple[torch.Tensor, torch.Tensor]


class LSTMModel(pl.LightningModule):
    """(batch, steps, input_dim) → (batch, steps, output_dim), and the state of the LSTM behind it."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lstm = nn.LSTM(input_dim, hidden_size, batch_first=True, bidirectional=False)
        self.head = nn.Linear(hidden_size, output_dim)

    def forward(self, sequence: torch.Tensor) -> tuple[torch.Tensor, State]:
        hidden, state = self.lstm(sequence)
        return self.head(hidden), state

    def predict_step(self, batch, batch_idx):
        sequence, _ = batch  # Ignore target sequences during prediction
        output, _ = self(sequence)  # Forward pass, get output from LSTM
        return output  # Sequence of predictions

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        sequence, target = batch
        return nn.functional.mse_loss(self(sequence)[0], target)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.004)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
