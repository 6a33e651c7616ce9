"""What a node of a Ray cluster has of runs and models: what it shares with the dashboard, or copies of its own.

Shards are made here and taken by the dashboard, which alone changes a run's folder: a node that is cut off, and goes on
with a shard that others do again, changes nothing.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock

from engine.errors import NodeFault
from engine.ingest.table import INPUT_FILE
from engine.models.fetched import FetchedModels
from engine.runs.folder import RunFolder
from engine.runs.quiet_store import QuietStore
from engine.settings import Settings

_SCRATCH = "forelight-node-"
_PIECE = 16 << 20
_SECONDS_UNUSED = 86_400.0
log = logging.getLogger("forelight.cluster")


class Node:
    """One actor's place on its node. `home` is the node's own: used where runs are kept on an object store."""

    def __init__(self, home: Path) -> None:
        self._home = home
        _remove_left()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-"))
        self._run = RunFolder(self._scratch)
        self._fetched: FetchedModels | None = None

    def settings(self, settings: Settings) -> Settings:
        """The dashboard's, with the node's home where they share none."""
        return settings.model_copy(update={"home": self._home}) if settings.storage else settings

    def begin(self, folder: Path, claim: str, settings: Settings) -> Path:
        """A folder for one job of that run: its typed rows, and room for a shard. StoreError, NodeFault."""
        rows = self._copied(folder.name, settings.storage) if settings.storage else _shared(folder)
        shutil.rmtree(self._run.path, ignore_errors=True)
        self._run = RunFolder(self._scratch / folder.name)
        (self._run.path / "shards").mkdir(parents=True)
        (self._run.path / "claim").write_text(claim)
        (self._run.path / INPUT_FILE).symlink_to(rows)
        return self._run.path

    def piece(self, start: int, offset: int) -> bytes:
        """Some of the shard that begins with that line, from that byte on; nothing at its end."""
        with self._run.shard_path(start).open("rb") as file:
            file.seek(offset)
            return file.read(_PIECE)

    def fetch_models(self, settings: Settings) -> bool:
        """Copies what is new of the object stores' models to the node's home; False where it shares the dashboard's."""
        if not (settings.storage and settings.model_stores):
            return False
        self._fetched = self._fetched or FetchedModels(self.settings(settings))
        self._fetched.look()
        return True

    def _copied(self, run_id: str, storage: str) -> Path:
        copies = self._home / "node"
        folder = copies / run_id
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        rows = folder / INPUT_FILE
        with FileLock(folder / ".lock"):  # a node may have several devices
            if not rows.is_file():
                _remove_unused(copies)
                QuietStore(storage).fetch(f"{run_id}/{INPUT_FILE}", rows)
        return rows


def _shared(folder: Path) -> Path:
    rows = folder / INPUT_FILE
    if not rows.is_file():
        log.error("there is no %s on this node", rows)
        raise NodeFault(platform.node())
    return rows


def _remove_unused(copies: Path) -> None:
    for folder in copies.iterdir():
        with suppress(OSError):  # another process removes it too
            if folder.stat().st_mtime < time.time() - _SECONDS_UNUSED:
                shutil.rmtree(folder)


def _remove_left() -> None:
    """Removes what actors that were ended have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*-*"):
        owner = folder.name.removeprefix(_SCRATCH).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
