"""Several devices: a run is spread over all of them, comes out as from one, and survives the death of one."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from engine import Engine, Options, Run, Settings, Source
from engine.backends import WorkerPool, count_devices, devices
from engine.backends.devices import on_the_cpu
from engine.cards.card import read_card
from engine.checkpoints.warm import load_model
from engine.errors import PredictionFailed
from engine.prediction.predictor import predict_shard
from engine.settings import BUNDLED_MODELS
from tests.engine.trouble import write_rows, write_trouble
from tests.forking import begin_forked
from tests.pool import pool

DEVICES = 2


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trouble(tmp_path_factory.mktemp("trouble"))


@pytest.fixture
def engines(tmp_path: Path, models: Path) -> Iterator[tuple[Engine, Engine]]:
    """One with a single device, one with several, each with its own home."""
    made = tuple(
        Engine(
            Settings(home=tmp_path / str(devices), models=(models, BUNDLED_MODELS), accelerator="cpu", devices=devices),
            pool=pool(devices),
        )
        for devices in (1, DEVICES)
    )
    yield made[0], made[1]
    for engine in made:
        engine.close()


def begun(engine: Engine, model: str, path: Path, batch_size: int) -> Run:
    run = engine.check(model, [Source(path.name, path)])
    return engine.submit(run.id, Options(batch_size=batch_size))


def written(engine: Engine, run: Run) -> bytes:
    ended = engine.wait(run.id, 120)
    assert (ended.state, ended.rows_done) == ("done", ended.rows_total), ended.error
    return engine.export(run.id, "csv").read_bytes()


def shards(run: Run) -> list[int]:
    return [int(path.stem) for path in sorted((run.folder / "shards").glob("*.parquet"))]


def test_a_lame_device_holds_nobody_up(engines: tuple[Engine, Engine], models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 10_000)
    (models / "uneven" / "lame").write_text("none")
    expected = written(engines[0], begun(engines[0], "uneven", path, 50))
    lame = pool(DEVICES).devices[1]
    lame.start()
    (models / "uneven" / "lame").write_text(str(lame.pid))
    (models / "uneven" / "seen").unlink()
    run = begun(engines[1], "uneven", path, 50)
    assert written(engines[1], run) == expected
    seen: Counter[int] = Counter()
    for line in (models / "uneven" / "seen").read_text().splitlines():
        pid, rows = map(int, line.split())
        seen[pid] += rows
    assert sum(seen.values()) == 10_000, "no row twice"
    assert len(seen) == DEVICES, "both took part"
    assert seen[lame.pid or 0] < 2_500
    assert all(start % 50 == 0 for start in shards(run)), "cut where a batch begins"


def test_a_device_that_dies_in_the_middle_costs_no_row(
    engines: tuple[Engine, Engine], models: Path, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows.csv", 20_000)
    expected = written(engines[0], begun(engines[0], "slow", path, 100))
    run = begun(engines[1], "slow", path, 100)
    device = pool(DEVICES).devices[1]
    deadline = time.monotonic() + 60
    while engines[1].run(run.id).rows_done < 2_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert device.pid is not None
    os.kill(device.pid, signal.SIGKILL)
    assert not engines[1].run(run.id).ended, "it was in the middle"
    assert written(engines[1], run) == expected


def test_a_series_is_never_cut(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = random.normal(0, 10, (60 * 20, 5)).astype(np.float32)
    order = {"series": np.repeat(np.arange(60), 20), "step": np.tile(np.arange(20), 60)}
    columns = {f"sensor_{number + 1}": values[:, number] for number in range(5)}
    path = tmp_path / "series.csv"
    pl.DataFrame({**order, **columns}).write_csv(path)
    expected = written(engines[0], begun(engines[0], "lorenz-state", path, 70))
    run = begun(engines[1], "lorenz-state", path, 70)
    assert written(engines[1], run) == expected
    assert len(shards(run)) >= DEVICES
    assert all(start % 20 == 0 for start in shards(run))


@pytest.mark.parametrize("model", ["breast-cancer", "digits"])
def test_several_devices_give_what_one_gives(model: str, engines: tuple[Engine, Engine]) -> None:
    found = []
    for engine in engines:
        title = engine.samples(model)[0].title
        run = engine.check(model, engine.sample_sources(model, title))
        found.append(written(engine, engine.submit(run.id, Options(batch_size=4))))
    assert found[0] == found[1]


def test_a_device_more_is_started_once_there_is_something_left_for_it(models: Path, tmp_path: Path) -> None:
    own = WorkerPool(DEVICES, begin=begin_forked)
    engine = Engine(Settings(home=tmp_path, models=(models,), accelerator="cpu", devices=DEVICES), pool=own)
    try:
        path = write_rows(tmp_path / "rows.csv", 1_000)
        written(engine, begun(engine, "slow", path, 1_000))
        assert [bool(worker.pid) for worker in own.devices] == [True, False], "one batch is one device's"
        written(engine, begun(engine, "slow", path, 10))
        deadline = time.monotonic() + 60
        while not own.devices[1].pid:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        engine.close()
        own.close()


def test_workers_share_the_cores() -> None:
    workers = WorkerPool(3)
    assert {worker.threads for worker in workers.devices} == {max(1, len(os.sched_getaffinity(0)) // 3)}
    assert WorkerPool(1).devices[0].threads is None, "one device has them all"


def test_workers_do_not_spin_unless_the_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = WorkerPool(2).devices[0]
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert worker._environment()["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert "OMP_WAIT_POLICY" not in worker._environment()


@pytest.mark.parametrize(
    ("settings", "code", "found"),
    [
        ({"devices": "all"}, "print(3)", 3),
        ({"devices": "all"}, "print(0)", on_the_cpu()),
        ({"devices": "all"}, "raise SystemExit('no driver')", 1),
        ({"devices": "all", "accelerator": "cpu"}, "print(3)", on_the_cpu()),
        ({"devices": "auto", "accelerator": "cpu"}, "print(3)", on_the_cpu()),
        ({"devices": "auto", "signs": ()}, "print(3)", on_the_cpu()),
        ({"devices": "auto", "signs": (os.devnull,)}, "print(3)", 1),  # a GPU's driver is there, torch is not asked
        ({"devices": 4}, "print(3)", 4),
        ({"devices": "all", "backend": "ray"}, "print(3)", 1),
    ],
)
def test_the_devices_are_the_gpus_that_may_be_used_or_the_cores(
    settings: dict[str, Any], code: str, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_COUNTS", code)
    monkeypatch.setattr(devices, "_SIGNS_OF_A_GPU", settings.get("signs", ()))
    named = {name: value for name, value in settings.items() if name != "signs"}
    assert count_devices(Settings(**{"accelerator": "auto", **named})) == found


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("accelerator", ["gpu", "abacus"])
def test_a_device_that_is_not_there_is_said(accelerator: str, tmp_path: Path) -> None:
    folder = BUNDLED_MODELS / "breast-cancer"
    model = load_model(read_card(folder / "card.yaml"), folder)
    rows = pa.table({column.name: [1.0] for column in model.card.signature})
    with pytest.raises(PredictionFailed, match=f"cannot predict on '{accelerator}' .* auto and cpu are always there"):
        predict_shard(model, rows, 1, tmp_path / "lines.parquet", accelerator=accelerator)
