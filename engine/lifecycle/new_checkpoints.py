"""Checkpoints that hosts bring to a model that is there: tried beside the server, then listed as a further version.

The file is nobody's word for anything: it is opened by a process that ends with the try, by the path that runs no code,
and the class is the card's (docs/versions.md).
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.backends.allowance import Allowance
from engine.backends.process import WorkerProcess
from engine.cards.card import file_hash
from engine.cards.versions import Version, add_checkpoint, changing
from engine.errors import CheckpointError, ForelightError, TooMuchWork, WorkerDied
from engine.lifecycle.intake import checkpoint_hash
from engine.models.registry import ModelEntry, ModelRegistry
from engine.settings import Settings
from engine.uploads import Upload
from engine.workers.messages import WorkerFault

_BYTES = 2 * 2**30  # what torch, the class's own imports and a batch may take
_COPIES = 3  # of its weights in memory: as read, in the module, and on the way between


class NewCheckpoints:
    """Tries one at a time, each in a `process` of its own. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, registry: ModelRegistry, process: Callable[[str], WorkerProcess] = WorkerProcess
    ) -> None:
        self._settings, self._registry, self._process = settings, registry, process
        self._one = threading.Lock()

    def add(self, model_id: str, upload: Upload, note: str = "") -> Version:
        """The further version that the file is from now on, of the default's class and never the default; else why not.

        Raises CheckpointError for a file that is not safe, not whole, of another class, does not fit the signature,
        or is a version already; CardError where the model cannot be used, and NotWritable.
        """
        entry = self._registry.entry(model_id)
        entry.usable_card()
        with changing(entry.folder):  # before the work, not after
            known = self._version_of(entry, upload.sha256)
        if known:
            raise CheckpointError(f"{_named(upload)} is version {known} of '{model_id}' already.")
        with self._one:
            self._try(entry, upload)

        def write(part: Path) -> None:
            shutil.copyfile(upload.path, part)
            if file_hash(part) != upload.sha256:
                raise CheckpointError(f"{_named(upload)} changed on its way. Send it again.")

        own = next(each for each in entry.versions if each.name == entry.version)
        like = {name: getattr(own, name) for name in ("module", "hyper_parameters", "standardised")}
        return add_checkpoint(entry.folder, write, note=note, **like)

    def _version_of(self, entry: ModelEntry, sha256: str) -> str:
        """Which version has that checkpoint; "" where none has."""
        every = (self._registry.entry(entry.id, each.name) for each in entry.versions)
        return next((each.version for each in every if each.card and checkpoint_hash(each) == sha256), "")

    def _try(self, entry: ModelEntry, upload: Upload) -> None:
        """Loads it as that version of the model in a process of its own; CheckpointError where that does not work."""
        name, worker = _named(upload), self._process("checkpoint")
        room = {"max_reader_bytes": _BYTES + _COPIES * upload.size}
        allowance = Allowance(self._settings.model_copy(update=room), [upload.source()])
        told: dict[str, Any] = {
            "version": entry.version,
            "path": upload.path.resolve(),
            "sha256": upload.sha256,
        }
        try:
            worker.call("try_checkpoint", self._settings, allowance=allowance, model_id=entry.id, called=name, **told)
        except CheckpointError:
            raise
        except TooMuchWork as exc:
            raise CheckpointError(
                f"{name} was not taken: trying it took more memory or time than a checkpoint of its size needs."
            ) from exc
        except WorkerDied as exc:
            raise CheckpointError(f"{name} was not taken: the process that tried it ended ({exc}).") from exc
        except ForelightError as exc:
            raise CheckpointError(f"{name} does not fit the model '{entry.id}': {exc}") from exc
        except WorkerFault as exc:
            raise CheckpointError(f"{name} was not taken: the log says why, incident {exc.incident}.") from exc
        finally:
            worker.close()


def _named(upload: Upload) -> str:
    """The file's name as a file may be called, and a sentence quotes it."""
    return re.sub(r"[^\w.-]", "_", upload.name.rpartition("/")[2])[-100:].lstrip(".") or "checkpoint.ckpt"
