"""Where runs are kept besides this machine's disk: nowhere, or on an object store that other servers read them from."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from engine.errors import ForelightError, RunNotFound, StoreError
from engine.ids import is_id
from engine.object_store import StoredObject, kept_marks
from engine.runs.quiet_store import QuietStore
from engine.runs.run import ENDED, Record

_CLAIM, _MANIFEST, _RECORD, _PLAN, _SHARDS = "claim.json", ".kept.json", "run.json", "plan.json", "shards"
_MARK = ".written"  # beside the runs: shows that a server may write
_CARD = "card.yaml"  # kept with the first files of a run, and the first that goes: without it there is no run
_HEAD = (_CARD, "report.json")
_STAY = ("claim", "scratch", "exports", "thumbnails", _SHARDS, _RECORD)
_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_UNUSED = 86_400.0
_SECONDS_WRITTEN_IS_GOOD = 30.0
log = logging.getLogger("forelight.runs")


class RunStorage:
    """The disk alone: whoever shares the home has the run. What StoredRuns does, and here is nothing to do for."""

    def ids(self, runs: Path) -> Iterator[str]:
        """The ids of all runs that are kept."""
        yield from (path.parent.name for path in runs.glob(f"*/{_RECORD}") if is_id(path.parent.name))

    def has(self, run_id: str) -> bool:
        """Whether the run is kept; where it is not, what lies here of it is an old copy."""
        return True

    def enter(self, folder: Path) -> None:
        """Keeps a run that was checked."""

    def head(self, folder: Path) -> None:
        """Makes the folder where it is not here, with what says what the run is; nothing where none is kept."""

    def bring(self, folder: Path, record: Record) -> None:
        """Makes the folder what is kept of the run, or RunNotFound; nothing where it is that already."""

    def take(self, folder: Path, word: str) -> None:
        """The run is this process's from now on, and its folder what is kept. Others' shards count no more."""

    def keep_soon(self, folder: Path, word: str) -> None:
        """Begins to keep the shards that are whole; says nothing where that fails."""

    def keep(self, folder: Path, word: str) -> None:
        """Keeps all shards, and how the run ended."""

    def release(self, folder: Path) -> None:
        """The run is this process's no more."""

    def delete(self, run_id: str) -> None:
        """Removes what is kept of the run."""

    def check_written(self) -> None:
        """StoreError where no run could be kept now."""

    def sweep(self, runs: Path, known: Container[str]) -> None:
        """Removes copies that nobody has used for a day, and those of runs that are not among the known."""

    def close(self) -> None:
        """Ends what works in the background."""


class StoredRuns(RunStorage):
    """An object store, and this disk as a cache of it. Safe in several threads; raises StoreError.

    <id>/…                               the files of the folder, as they are here
    <id>/shards/<start>-<word>.parquet   a shard, and in whose hands the run was
    <id>/claim.json                      the word of who has the run now, and the shards of others that count

    A server that stood still, and goes on when another one has its run, keeps shards that nobody counts.
    """

    def __init__(self, address: str) -> None:
        self._store = QuietStore(address)
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)
        self._own: set[str] = set()
        self._seen: dict[str, tuple[float, object]] = {}
        self._written = float("-inf")
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="forelight-storage")

    def ids(self, runs: Path) -> Iterator[str]:
        try:
            found = list(self._store.entries())
        except StoreError as exc:
            if not isinstance(exc.__cause__, FileNotFoundError):
                raise
            return  # nothing was ever kept there
        yield from (each.name for each in found if each.is_folder and is_id(each.name))

    def has(self, run_id: str) -> bool:
        return _CARD in self._files(run_id)

    def enter(self, folder: Path) -> None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name.partition("/")[0] not in _STAY and not name.startswith("."):
                self._store.keep(path, f"{folder.name}/{name}")
        if any((folder / _SHARDS).iterdir()):  # predicted while the files were read
            word = (folder / "claim").read_text()
            self._claim(folder, word, ())
            self._keep_shards(folder, word)

    def head(self, folder: Path) -> None:
        with self._locks[folder.name]:
            if folder.is_dir():
                return
            self._store.check()
            files = self._files(folder.name)
            coming = folder.with_name(f".{folder.name}.coming")
            shutil.rmtree(coming, ignore_errors=True)
            if not all(name in files for name in _HEAD):
                return
            (coming / _SHARDS).mkdir(parents=True)
            for name in {*_HEAD, _RECORD, _PLAN} & set(files):
                self._store.fetch(files[name].path, coming / name)
            _write(coming, {})
            coming.rename(folder)
            self._seen.pop(folder.name, None)  # nothing but its head is here

    def bring(self, folder: Path, record: Record) -> None:
        if folder.name in self._own:
            return
        with self._locks[folder.name]:
            if folder.is_dir() and not self._is_old(record):
                _touch(folder)
                return
            self.head(folder)
            files = self._files(folder.name)
            if _CARD not in files:
                raise RunNotFound(folder.name)
            self._fetch(folder, files, self._counted(files))
            self._seen[folder.name] = time.monotonic(), _state(record)

    def take(self, folder: Path, word: str) -> None:
        with self._locks[folder.name]:
            files = self._files(folder.name)
            counted = self._counted(files)
            self._claim(folder, word, counted.values())
            self._fetch(folder, files, counted)
            self._own.add(folder.name)
            self._seen.pop(folder.name, None)

    def keep_soon(self, folder: Path, word: str) -> None:
        self._behind.submit(self._try_to_keep, folder, word)

    def keep(self, folder: Path, word: str) -> None:
        try:
            self._keep_shards(folder, word)
            self._store.keep(folder / _RECORD, f"{folder.name}/{_RECORD}")
        except OSError as exc:
            raise StoreError(f"The shards of run {folder.name} cannot be kept: {type(exc).__name__}.") from exc

    def release(self, folder: Path) -> None:
        self._own.discard(folder.name)

    def delete(self, run_id: str) -> None:
        self._store.delete(f"{run_id}/{_CARD}")
        self._store.delete(run_id)

    def check_written(self) -> None:
        if time.monotonic() - self._written > _SECONDS_WRITTEN_IS_GOOD:
            self._store.check()
            self._store.write(_MARK, b"")
            self._written = time.monotonic()

    def sweep(self, runs: Path, known: Container[str]) -> None:
        before = time.time() - _SECONDS_UNUSED
        for manifest in runs.glob(f"*/{_MANIFEST}"):
            folder = manifest.parent
            with self._locks[folder.name]:
                unused = folder.name not in known or manifest.stat().st_mtime < before
                if unused and folder.name not in self._own:
                    self._seen.pop(folder.name, None)
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        self._behind.shutdown(cancel_futures=True)

    def _claim(self, folder: Path, word: str, shards: Iterable[str]) -> None:
        claim = {"word": word, "shards": sorted(shards)}
        self._store.write(f"{folder.name}/{_CLAIM}", json.dumps(claim).encode())

    def _is_old(self, record: Record) -> bool:
        """Whether others may have kept more of the run since it was looked at; looks at what runs now and then."""
        looked, state = self._seen.get(record.id, (0.0, None))
        if state == _state(record):
            return False
        return record.state in ENDED or time.monotonic() - looked >= _SECONDS_BETWEEN_LOOKS

    def _files(self, run_id: str) -> Mapping[str, StoredObject]:
        found = {path.removeprefix(f"{run_id}/"): each for path, each in self._store.walk(run_id).items()}
        return {name: each for name, each in found.items() if not {"", ".", ".."} & set(name.split("/"))}

    def _counted(self, files: Mapping[str, StoredObject]) -> dict[str, str]:
        """The shards that count, by the names that they have here."""
        if _CLAIM not in files:
            return {}
        claim = json.loads(self._store.read(files[_CLAIM].path))
        names = (name.removeprefix(f"{_SHARDS}/") for name in files if name.startswith(f"{_SHARDS}/"))
        return {
            f"{name.partition('-')[0]}.parquet": name
            for name in names
            if name in claim["shards"] or name.endswith(f"-{claim['word']}.parquet")
        }

    def _fetch(self, folder: Path, files: Mapping[str, StoredObject], counted: Mapping[str, str]) -> None:
        """What is not here yet; shards that do not count go, as others have done their rows."""
        for name, found in files.items():
            if name != _CLAIM and not name.startswith(f"{_SHARDS}/") and not (folder / name).is_file():
                self._store.fetch(found.path, folder / name)
        kept = _kept(folder)
        for path in (folder / _SHARDS).glob("*.parquet"):
            if kept.get(path.name) != counted.get(path.name) or path.name not in counted:
                path.unlink(missing_ok=True)
        if kept != counted:
            shutil.rmtree(folder / "exports", ignore_errors=True)  # they lack rows
        for name, stored in counted.items():
            if not (folder / _SHARDS / name).is_file():
                self._store.fetch(files[f"{_SHARDS}/{stored}"].path, folder / _SHARDS / name)
        _write(folder, counted)

    def _keep_shards(self, folder: Path, word: str) -> None:
        with self._locks[folder.name]:
            kept = _kept(folder)
            paths = [path for path in sorted((folder / _SHARDS).glob("*.parquet")) if path.name not in kept]
            if (paths or not kept) and (folder / _PLAN).is_file():
                self._store.keep(folder / _PLAN, f"{folder.name}/{_PLAN}")
            for path in paths:
                stored = f"{path.stem}-{word}.parquet"
                self._store.keep(path, f"{folder.name}/{_SHARDS}/{stored}")
                kept[path.name] = stored
                _write(folder, kept)

    def _try_to_keep(self, folder: Path, word: str) -> None:
        try:
            if folder.name in self._own:
                self._keep_shards(folder, word)
        except (ForelightError, OSError) as exc:
            log.warning("shards are kept later: %s", exc, extra={"run": folder.name})


def _state(record: Record) -> object:
    """What is another where others have kept more of the run."""
    return record.state, record.rows_done, record.started, record.finished


AT_HOME = RunStorage()


def open_storage(address: str) -> RunStorage:
    """The storage at that address; the home alone where there is none."""
    return StoredRuns(address) if address else AT_HOME


def _kept(folder: Path) -> dict[str, str]:
    """What the shards here are called in the store."""
    return kept_marks(folder / _MANIFEST)


def _touch(folder: Path) -> None:
    """Shows that the copy is used."""
    with suppress(OSError):
        os.utime(folder / _MANIFEST)


def _write(folder: Path, kept: Mapping[str, str]) -> None:
    new = folder / f"{_MANIFEST}.new"
    new.write_text(json.dumps(kept), encoding="utf-8")
    new.replace(folder / _MANIFEST)
