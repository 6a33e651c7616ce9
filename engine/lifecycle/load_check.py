"""Whether models load, found out beside the server: one that does not is listed with why, as a broken card is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.backends.allowance import Allowance
from engine.backends.process import Killed, WorkerProcess
from engine.errors import ForelightError, TooMuchWork, UnknownModel, WorkerDied
from engine.models.registry import ModelEntry, ModelRegistry, changed
from engine.settings import BUNDLED_MODELS, Settings
from engine.workers.messages import WorkerFault

_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_BETWEEN_TRIES = 300.0  # what is wrong may lie outside of the folder: a package that was missing
_SECONDS_WARM = 60.0
_MOST_SECONDS = 120.0
_MOST_BYTES = 2 * 2**30  # a second copy of a larger model may be one too many for the memory
_FREE_BYTES = 4 * 2**30
_COPIES = 3  # as read, in the module, and on the way between
log = logging.getLogger("forelight.models")


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of loading a model as its folder was then; `fault` is "" where it loads."""

    folder: tuple[object, ...]
    fault: str
    when: float


class LoadCheck:
    """Loads each model in a process of its own, and again when its folder changes. Safe to use from several threads.

    Of versions the default; another one once somebody looks at it. The models that come with Forelight
    are left out. Whatever a model does there, visitors wait for nothing.
    """

    def __init__(self, settings: Settings, registry: ModelRegistry) -> None:
        self._settings, self._registry = settings.model_copy(update={"warm_models": 1}), registry
        self._tried: dict[tuple[str, str], _Tried] = {}
        self._looked_at: set[tuple[str, str]] = set()
        self._worker = WorkerProcess("load-check")
        self._used = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def judged(self, entry: ModelEntry) -> ModelEntry:
        """The entry; without its card and with the error where the model was found not to load as it is now."""
        if not entry.is_default and self._thread is not None:
            self._looked_at.add((entry.id, entry.version))
        tried = self._tried.get((entry.id, entry.version))
        if tried is None or not tried.fault or entry.card is None or tried.folder != _state(entry):
            return entry
        return replace(entry, card=None, error=tried.fault)

    def start(self) -> None:
        """Begins to look after the models, for as long as the server lives; not where they load on other machines."""
        if self._thread is None and self._settings.backend == "local":
            self._thread = threading.Thread(target=self._run, name="forelight-load-check", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._worker.close()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                self._look()
            except Exception:
                if not self._ended.is_set():  # a process that was ended by `close` answers nothing
                    log.exception("the models are looked at again")

    def _look(self) -> None:
        """Tries every model that is new, changed, or failed a while ago."""
        wanted = [entry for entry in (*self._registry.entries(), *self._others()) if self._is_due(entry)]
        for entry in wanted:
            state = _state(entry)
            fault = self._fault(entry)
            if self._ended.is_set():
                return
            if fault:
                log.warning("version %s of the model '%s' does not load: %s", entry.version, entry.id, fault)
            self._tried[entry.id, entry.version] = _Tried(state, fault, time.monotonic())
        if wanted:
            self._used = time.monotonic()
        elif time.monotonic() - self._used > _SECONDS_WARM:
            self._worker.close()

    def _others(self) -> Iterator[ModelEntry]:
        """The versions that were looked at since, and are no default."""
        for _ in range(len(self._looked_at)):
            try:
                yield self._registry.entry(*self._looked_at.pop())
            except UnknownModel:
                continue  # gone meanwhile

    def _is_due(self, entry: ModelEntry) -> bool:
        if entry.card is None or entry.folder.parent == BUNDLED_MODELS or entry.checkpoint_bytes > _MOST_BYTES:
            return False
        tried = self._tried.get((entry.id, entry.version))
        if tried is None or tried.folder != _state(entry):
            return True
        return bool(tried.fault) and time.monotonic() - tried.when > _SECONDS_BETWEEN_TRIES

    def _fault(self, entry: ModelEntry) -> str:
        """Why the model does not load; "" where it does, or where that is not the model's doing."""
        end = time.monotonic() + _MOST_SECONDS
        late = lambda: 0.0 if time.monotonic() > end else None  # noqa: E731
        try:
            about: dict[str, Any] = {"model_id": entry.id, "version": entry.version}
            self._worker.call("describe", self._settings, stop=late, allowance=self._allowance(entry), **about)
        except TooMuchWork:
            return (
                f"loading it took more than {_room(entry) / 2**30:.3g} GiB of memory, and its checkpoint has "
                f"{entry.checkpoint_bytes / 2**30:.2g} GiB. Look for what its class makes besides its weights."
            )
        except WorkerDied as exc:
            return f"loading it ended the process: {exc}. Look for what its file does when it is imported."
        except Killed:
            return (
                f"it was not loaded within {_MOST_SECONDS:.0f} seconds. Look whether its file waits for something "
                "when it is imported, such as a network."
            )
        except ForelightError as exc:
            return str(exc)
        except WorkerFault as exc:
            log.warning("the model '%s' could not be tried: %s", entry.id, exc)
        return ""

    def _allowance(self, entry: ModelEntry) -> Allowance:
        limits = {"max_reader_bytes": _room(entry), "max_reader_seconds": 2 * _MOST_SECONDS}
        return Allowance(self._settings.model_copy(update=limits))


def _room(entry: ModelEntry) -> int:
    """Bytes of memory that loading it may take: what its imports need, and its weights as often as they are held."""
    return _FREE_BYTES + _COPIES * entry.checkpoint_bytes


def _state(entry: ModelEntry) -> tuple[object, ...]:
    """What is another once card, code or checkpoint is, or a file is there that was missing: data that code reads, say.

    The hash of the card is that of the code beside it, too.
    """
    checkpoint = () if entry.card is None else changed(entry.folder / entry.card.checkpoint)
    names = sorted(path.name for path in entry.folder.glob("[!.]*") if path.suffix not in (".ckpt", ".yaml"))
    return entry.card_sha256, checkpoint, *names
