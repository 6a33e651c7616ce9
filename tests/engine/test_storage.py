"""Runs on an object store: two servers whose disks know nothing of each other, on one database and one storage."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from engine import Engine, Options, Settings, Source
from engine.errors import RunNotFound, StoreError
from engine.runs import storage
from engine.settings import BUNDLED_MODELS
from tests.engine.machines import machines
from tests.engine.test_life import begun, undisturbed, until
from tests.engine.trouble import write_rows, write_trouble

Opening = Callable[..., Engine]
MODEL = "diabetes-progression"
PATIENTS = BUNDLED_MODELS / MODEL / "samples" / "patients.csv"


@pytest.fixture
def files() -> Any:
    return fsspec.filesystem("memory")


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Opens servers by the names of their machines, each with a disk of its own."""
    monkeypatch.setattr(storage, "_SECONDS_BETWEEN_LOOKS", 0.1)
    models = write_trouble(tmp_path / "models")

    def settings(machine: str, database: str) -> Settings:
        return Settings(
            home=tmp_path / machine,
            models=(models, BUNDLED_MODELS),
            accelerator="cpu",
            database_url=f"sqlite:///{tmp_path / database}",
            storage=f"memory://{tmp_path.name}/runs",
        )

    with machines() as open_on:
        yield lambda machine, database="forelight.db": open_on(machine, settings(machine, database))


def predicted(engine: Engine, path: Path = PATIENTS, model_id: str = MODEL) -> str:
    run = engine.check(model_id, [Source(path.name, path)], keep_files=True, visitor="ann")
    engine.submit(run.id, Options(on_error="report"))
    assert engine.wait(run.id, 60).state == "done", engine.run(run.id).error
    return run.id


def test_a_run_of_one_server_is_whole_at_another(opening: Opening) -> None:
    first, second = opening("first"), opening("second")
    run_id = predicted(first)
    assert [(run.id, run.report.n_good) for run in second.runs()] == [(run_id, 30)]
    assert second.results(run_id).page(0, 5).equals(first.results(run_id).page(0, 5))
    assert second.export(run_id, "csv").read_bytes() == first.export(run_id, "csv").read_bytes()
    assert second.preview(run_id).equals(first.preview(run_id))
    again = second.again(run_id)
    assert again.report.n_good == 30, "the visitor's files are there too"
    second.submit(again.id, Options(on_error="report"))
    assert second.wait(again.id, 60).state == "done"
    assert first.results(again.id).n_rows == 30


def test_a_run_of_a_server_that_stood_still_goes_on_at_another(opening: Opening, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 5_000)
    first, second = opening("first"), opening("second")
    expected = undisturbed(second, path)
    run = begun(first, path)
    until(second, run.id, lambda run: run.rows_done > 0)
    second.serve()
    keeper = first._open().keeper
    keeper._ended.set()  # as a machine that is paused is silent
    until(second, run.id, lambda run: second._open().store.get(run.id).owner == second._owner)
    assert second.wait(run.id, 60).state == "done"
    assert second.results(run.id).n_rows == 5_000
    assert second.export(run.id, "csv").read_bytes() == expected, "no row twice, none lost"
    until(first, run.id, lambda _: run.id not in first._open().backend._active)  # type: ignore[attr-defined]
    assert first.export(run.id, "csv").read_bytes() == expected, "what it went on with counts nowhere"


def test_what_is_cancelled_at_one_is_resumed_at_another(opening: Opening, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 4_000)
    first, second = opening("first"), opening("second")
    run = begun(first, path)
    second.cancel(run.id)
    cancelled = first.wait(run.id, 30)
    assert cancelled.state == "cancelled"
    assert second.results(run.id).n_rows == cancelled.rows_done, "what is finished is kept"
    second.resume(run.id)
    assert second.wait(run.id, 60).state == "done"
    assert second.export(run.id, "csv").read_bytes() == undisturbed(second, path)
    assert first.results(run.id).n_rows == 4_000


def test_the_disk_is_a_cache(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opening("first")
    run_id = predicted(first)
    expected = first.export(run_id, "csv").read_bytes()
    folder = first.run(run_id).folder
    first.sweep()
    assert folder.is_dir(), "what was used today stays"
    monkeypatch.setattr(storage, "_SECONDS_UNUSED", -1.0)
    first.sweep()
    assert not folder.is_dir()
    assert first.export(run_id, "csv").read_bytes() == expected
    shutil.rmtree(folder)
    assert first.results(run_id).n_rows == 30, "a disk that was lost, too"


def test_a_deleted_run_is_gone_everywhere(
    opening: Opening, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = opening("first"), opening("second")
    run_id = predicted(first)
    assert second.results(run_id).n_rows == 30
    whole = storage.QuietStore.delete

    def deleting(store: storage.QuietStore, path: str) -> None:
        if path == run_id:  # some of its objects are gone already
            with pytest.raises(RunNotFound):
                first.results(run_id)
        whole(store, path)

    monkeypatch.setattr(storage.QuietStore, "delete", deleting)
    first._open().book.storage._seen.clear()  # as a server that has not looked at the run before
    second.delete(run_id)
    assert not files.find(f"/{tmp_path.name}/runs")
    for engine in (first, second):
        with pytest.raises(RunNotFound):
            engine.run(run_id)
    copy = tmp_path / "first" / "runs" / run_id
    assert copy.is_dir()
    first.sweep()
    assert not copy.is_dir()


def test_a_database_that_is_lost_is_made_anew(opening: Opening) -> None:
    opening("new").serve()  # nothing was ever kept there
    run_id = predicted(opening("first"))
    third = opening("third", database="new.db")
    third.serve()
    [run] = third.runs()
    assert (run.id, run.state, run.rows_done) == (run_id, "done", 30)


def test_a_storage_that_does_not_answer_is_waited_for(
    opening: Opening, files: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = opening("first")
    run = first.check("slow", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 500))])

    def gone(*arguments: object, **options: object) -> None:
        raise ConnectionError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "pipe_file", gone)
        with pytest.raises(StoreError, match="The storage of runs does not answer. Try again later"):
            first.submit(run.id, Options())
        assert first.run(run.id).state == "checked", "and can be started later"
    with monkeypatch.context() as patch:
        first.submit(run.id, Options(batch_size=50))
        patch.setattr(type(files), "put_file", gone)
        until(first, run.id, lambda run: run.rows_done == 500)
        assert not first.wait(run.id, 1.0).ended, "it has not ended before all of it is kept"
    assert first.wait(run.id, 30).state == "done"


def test_where_runs_cannot_be_kept_a_server_is_not_ready(
    opening: Opening, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opening("first")

    def read_only(*arguments: object, **options: object) -> None:
        raise PermissionError("access denied")

    with monkeypatch.context() as patch:
        patch.setattr(type(files), "pipe_file", read_only)
        assert first.why_not_ready() == ("The storage of runs cannot be written.",)
    first._open().book.storage._store.silent_until = 0.0  # type: ignore[attr-defined]
    assert first.why_not_ready() == ()
    first.settings.runs_folder.rmdir()
    first.settings.runs_folder.write_text("no folder")
    assert first.why_not_ready() == ("The folder of runs cannot be written.",)


def test_a_server_that_waits_for_the_storage_lives(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetching what another server left may take minutes, in which nobody is to take it for dead."""
    first = opening("first")
    beats: list[str] = []
    monkeypatch.setattr(first._open().store, "beat", beats.append)
    began, end = threading.Event(), threading.Event()

    def fetch_for_long() -> None:
        began.set()
        end.wait(60)

    monkeypatch.setattr(first._open().keeper, "_tick", fetch_for_long)
    first._open().keeper.start()
    assert began.wait(30)
    beats.clear()
    while len(beats) < 3:
        time.sleep(0.02)
    end.set()
