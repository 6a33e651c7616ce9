"""Threat 21: where memory, device, disk or database fail: half the batch, a new worker, a sentence, no half run."""

from __future__ import annotations

import resource
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import Engine, Options, Settings, Source
from engine.backends import WorkerPool
from engine.errors import DiskFull, StoreError
from engine.runs.store import RunStore
from tests.engine.test_batch_size import begun, engine, models
from tests.engine.test_store import record
from tests.engine.trouble import write_rows

__all__ = ["engine", "models"]


def test_only_the_batch_that_does_not_fit_is_halved(engine: Engine, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 1_000, {450: 666})
    whole = engine.wait(begun(engine, "hungry", path, 50).id)
    (models / "hungry" / "seen").unlink()
    ended = engine.wait(begun(engine, "hungry", path, 200).id)
    assert ended.state == "done", ended.error
    given = list(map(int, (models / "hungry" / "seen").read_text().split()))
    assert given == [200, 200, 50, 50, 100, 200, 200]
    lines, expected = engine.results(ended.id).page(0, 1_000), engine.results(whole.id).page(0, 1_000)
    assert lines["row"].to_list() == list(range(1, 1_001))
    assert lines["y"].to_list() == pytest.approx(expected["y"].to_list(), rel=1e-5)


def test_one_row_that_does_not_fit_fails_with_a_sentence(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 100, {70: 667})
    ended = engine.wait(begun(engine, "hungry", path, 32).id)
    assert ended.state == "failed"
    assert "The memory does not hold the model 'Hungry' and 1 row" in ended.error


def test_a_device_that_fails_gets_a_new_process(engine: Engine, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 300, {170: 666})
    before = engine.workers()[0]
    ended = engine.wait(begun(engine, "poisoned", path, 50).id)
    assert ended.state == "done", ended.error
    assert (models / "poisoned" / "failed").exists(), "it did fail"
    after = engine.workers()[0]
    assert (after.pid != before.pid, after.restarts) == (True, before.restarts + 1)
    assert engine.results(ended.id).page(0, 300)["y"].null_count() == 0


def test_a_full_disk_ends_the_run_with_a_sentence_and_it_can_go_on(tmp_path: Path, models: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    pool = WorkerPool()
    engine = Engine(Settings(home=tmp_path / "home", models=(models,), accelerator="cpu"), pool=pool)
    run = engine.check("slow", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 20_000))])
    pool.devices[0].start()
    assert pool.devices[0].pid is not None
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.prlimit(pool.devices[0].pid, resource.RLIMIT_FSIZE, (40_000, hard))
    engine.submit(run.id, Options(batch_size=5_000))
    failed = engine.wait(run.id)
    assert failed.state == "failed"
    assert failed.error == str(DiskFull())
    assert not list((failed.folder / "shards").iterdir()), "no half-written shard is left"
    resource.prlimit(pool.devices[0].pid, resource.RLIMIT_FSIZE, (soft, hard))
    engine.resume(run.id)
    assert engine.wait(run.id).state == "done"
    assert engine.results(run.id).n_rows == 20_000
    engine.close()
    pool.close()


def test_a_database_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    RunStore(f"sqlite:///{tmp_path / 'runs.db'}").add(record("a" * 26))
    read_only = RunStore(f"sqlite:///file:{tmp_path / 'runs.db'}?mode=ro&uri=true")
    assert read_only.get("a" * 26).id == "a" * 26, "what is there can still be read"
    with pytest.raises(StoreError, match="cannot be written: attempt to write a readonly database"):
        read_only.add(record("b" * 26))


def test_a_full_disk_says_so_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store = RunStore(f"sqlite:///{path}")
    store.add(record("a" * 26))
    with sqlite3.connect(path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    sa.event.listen(store._engine, "connect", lambda each, _: each.execute(f"PRAGMA max_page_count = {pages}"))
    store._engine.dispose()
    large = [record(f"{number:026d}", note="x" * 4_000) for number in range(100)]
    with pytest.raises(StoreError, match="disk is full"):
        list(map(store.add, large))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert store.get("a" * 26).id == "a" * 26
