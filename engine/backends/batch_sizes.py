"""The batch sizes that were found for a run's model and precision: remembered in the store."""

from __future__ import annotations

import logging

from engine.cards.card import read_card
from engine.errors import StoreError
from engine.models.registry import CARD_FILE
from engine.runs.folder import RunFolder
from engine.runs.run import Options
from engine.runs.store import RunStore

log = logging.getLogger("forelight.runs")


class BatchSizes:
    """By devices' names, for the checkpoint of that run and the precision that it is predicted in."""

    def __init__(self, store: RunStore, folder: RunFolder, checkpoint_sha256: str, options: Options) -> None:
        self._store, self._folder, self._checkpoint, self._options = store, folder, checkpoint_sha256, options

    def known(self) -> dict[str, int]:
        """What was found before."""
        return self._store.batch_sizes(self._checkpoint, self._precision())

    def learn(self, device: str, size: int) -> None:
        """Remembers the size; that the store does not answer stops no prediction."""
        try:
            self._store.learn_batch_size(self._checkpoint, self._precision(), device, size)
        except StoreError as exc:
            log.warning("a batch size is not remembered: %s", exc, extra={"run": self._folder.id})

    def learn_too_large(self, device: str, lines: int) -> None:
        """A batch of so many lines, 0 for none, did not fit into the memory: later runs begin with half of it."""
        if lines > 1 and self._options.batch_size is None:
            self.learn(device, lines // 2)

    def _precision(self) -> str:
        return self._options.precision or read_card(self._folder.path / CARD_FILE).precision
