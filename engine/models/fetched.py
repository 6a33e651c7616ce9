"""Models of object stores, copied to folders here, and copied again where they have changed over there."""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from engine.cards.versions import FETCHED_FILE, VERSIONS_FILE
from engine.errors import ForelightError
from engine.models.registry import CARD_FILE, ModelEntry
from engine.object_store import ObjectStore, StoredObject, kept_marks
from engine.settings import Settings

_SECONDS_BETWEEN_LOOKS = 20.0
_SECONDS_A_VISITOR_WAITS = 5.0
_LAST = (VERSIONS_FILE, CARD_FILE)  # what names other files comes after them
log = logging.getLogger("forelight.models")


class FetchedModels:
    """Keeps the copies of all stores that the settings name. Safe in several threads, and beside other processes.

    What a store has is used as long as it does not answer; a model is seen when it is whole.
    """

    def __init__(self, settings: Settings) -> None:
        self._folders = settings.model_stores
        self._faults: dict[str, str] = {}
        self._lock = threading.Lock()
        self._looked, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._patient_until = 0.0

    def start(self) -> None:
        """Looks now and then from now on, as a server does."""
        if self._folders and self._thread is None:
            self._patient_until = time.monotonic() + _SECONDS_A_VISITOR_WAITS
            self._thread = threading.Thread(target=self._run, name="forelight-models", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._ended.set()

    def wait(self) -> None:
        """Returns when it was looked once; a server's visitors do not wait for long."""
        if not self._folders or self._looked.is_set():
            return
        if self._thread is not None:
            self._looked.wait(max(0.0, self._patient_until - time.monotonic()))
            return
        self.look()

    def look(self) -> None:
        """Fetches what is new, and removes what is gone."""
        with self._lock:
            for address, folder in self._folders.items():
                self._say(address, _fault(address, folder))
            self._looked.set()

    def broken(self) -> tuple[ModelEntry, ...]:
        """An entry with a sentence for each store that does not answer, and of which nothing is here."""
        return tuple(
            ModelEntry(_name(address), self._folders[address], None, _NOT_HERE)
            for address, fault in self._faults.items()
            if fault and not any(self._folders[address].glob(f"*/{CARD_FILE}"))
        )

    def _run(self) -> None:
        while not self._ended.is_set():
            self.look()
            self._ended.wait(_SECONDS_BETWEEN_LOOKS)

    def _say(self, address: str, fault: str) -> None:
        if fault and fault != self._faults.get(address):
            log.warning("models of %s: %s", address, fault)
        self._faults[address] = fault


_NOT_HERE = "The object store of these models does not answer; the server's log says why. It is asked again and again."


def _fault(address: str, folder: Path) -> str:
    """Makes the folder what the store has; what is in the way of that, or ""."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            return " ".join(_fetch_all(ObjectStore(address), folder))
    except (ForelightError, OSError) as exc:
        return str(exc)


def _fetch_all(store: ObjectStore, folder: Path) -> list[str]:
    """What is in the way of single models, which is in no other's."""
    faults = []
    models: dict[str, dict[str, StoredObject]] = defaultdict(dict)
    for path, found in store.walk().items():
        name, _, rest = path.partition("/")
        if _is_plain(path) and not name.startswith(".") and rest:
            models[name][rest] = found
    models = defaultdict(dict, {name: files for name, files in models.items() if CARD_FILE in files})
    for name, files in models.items():
        try:
            _fetch(store, files, folder / name, folder / ".fetching" / name)
        except FileNotFoundError:
            log.info("the model %r changes just now; it is looked at again", name)
        except (ForelightError, OSError) as exc:
            faults.append(f"{name}: {exc}")
    for old in folder.iterdir():
        if old.is_dir() and not old.name.startswith(".") and old.name not in models:
            shutil.rmtree(old, ignore_errors=True)
    return faults


def _fetch(store: ObjectStore, files: Mapping[str, StoredObject], folder: Path, aside: Path) -> None:
    """One model: all that has changed comes first, then takes its place at once."""
    known = kept_marks(folder / FETCHED_FILE)
    changed = [path for path, found in files.items() if known.get(path) != found.mark or not (folder / path).is_file()]
    gone = set(known) - set(files)
    if not changed and not gone:
        return
    shutil.rmtree(aside, ignore_errors=True)
    for path in changed:
        store.fetch(files[path].path, aside / path)
    for path in sorted(changed, key=lambda path: _LAST.index(path) if path in _LAST else -1):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (aside / path).replace(folder / path)
    for path in gone:
        (folder / path).unlink(missing_ok=True)
    marks = {path: found.mark for path, found in files.items()}
    (aside / FETCHED_FILE).write_text(json.dumps(marks), encoding="utf-8")
    (aside / FETCHED_FILE).replace(folder / FETCHED_FILE)
    shutil.rmtree(aside, ignore_errors=True)
    log.info("the model %r was fetched", folder.name, extra={"model": folder.name})


def _is_plain(path: str) -> bool:
    """Whether the key is names between slashes, none of which leads out of a folder or is one of ours."""
    parts = path.split("/")
    return not any(part in ("", ".", "..", FETCHED_FILE) or "\\" in part or "\0" in part for part in parts)


def _name(address: str) -> str:
    return re.sub(r"[^\w.-]+", "-", address.rstrip("/").rpartition("/")[2]).strip("-.") or "models"
