"""Threat 20: `kill -9` of server, worker or both at random moments: nothing is lost, done wrong, or hangs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import Engine, Options, Settings, Source
from engine.runs.book import UNFINISHED
from engine.runs.owners import is_alive
from tests.engine.trouble import write_rows, write_trouble
from tests.pool import open_engine

_SERVER = """
import time
from engine import Engine, Settings
from tests.forking import fork_workers
fork_workers()
engine = Engine(Settings())
engine.serve()
print("up", flush=True)
while True:
    print(*(worker.pid for worker in engine.workers() if worker.pid), flush=True)
    time.sleep(0.05)
"""
_MOMENTS = 20
_ROWS = 12_000
_MOST_SECONDS = 3.0  # by then a server has started, taken the runs up and predicted some shards
ROOT = Path(__file__).parents[2]


class Server:
    """A process that serves the runs of a home, and can be killed."""

    def __init__(self, settings: Settings) -> None:
        environment = {
            **os.environ,
            "FORELIGHT_HOME": str(settings.home),
            "FORELIGHT_MODELS": os.pathsep.join(map(str, settings.models)),
            "FORELIGHT_ACCELERATOR": "cpu",
        }
        self._said = settings.home / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen([sys.executable, "-c", _SERVER], cwd=ROOT, env=environment, stdout=said)
        while "up" not in self._said.read_text():
            assert self.process.poll() is None
            time.sleep(0.05)

    def kill(self, whom: str) -> None:
        if whom in ("worker", "both"):
            for pid in self._workers():
                _kill(pid)
        if whom in ("server", "both"):
            self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _workers(self) -> list[int]:
        lines = self._said.read_text().splitlines()
        return [int(pid) for pid in lines[-2].split()] if len(lines) > 2 else []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    settings = Settings(home=tmp_path / "home", models=(write_trouble(tmp_path / "models"),), accelerator="cpu")
    settings.home.mkdir()
    path = write_rows(tmp_path / "rows.csv", _ROWS)
    watching = open_engine(settings)
    expected = _predicted(watching, path)
    runs = [watching.check("slow", [Source(path.name, path)]).id for _ in range(3)]
    store = watching._open().store
    for run_id in runs:  # as a server leaves them that was killed in the moment after it took them
        store.change(run_id, state="queued", owner="nowhere|1|1|x", options=Options(batch_size=50))

    server = Server(settings)
    for _ in range(_MOMENTS // 2):
        time.sleep(dice.uniform(0.0, _MOST_SECONDS))
        server.kill(dice.choice(["server", "worker", "both"]))
        for run_id in runs:
            lines = sorted((watching.run(run_id).folder / "shards").glob("*.parquet"))
            assert not lines or watching.results(run_id).n_rows <= _ROWS, "what can be seen can be read"
        if server.process.poll() is not None:
            server = Server(settings)
            _all_are_taken_up(watching, runs)
    for run_id in runs:
        if watching.wait(run_id, 120).resumable:  # it was hit too often to go on by itself, and says so
            assert watching.run(run_id).error
            server.close()
            watching.resume(run_id)
        assert watching.wait(run_id, 120).state == "done", watching.run(run_id)
        assert watching.export(run_id, "csv").read_bytes() == expected
    server.close()
    watching.close()


def _predicted(engine: Engine, path: Path) -> bytes:
    run = engine.check("slow", [Source(path.name, path)])
    engine.submit(run.id, Options(batch_size=50))
    assert engine.wait(run.id).state == "done"
    return engine.export(run.id, "csv").read_bytes()


def _all_are_taken_up(engine: Engine, runs: list[str]) -> None:
    """Within 10 seconds of the restart no run stays with the process that is gone."""
    store = engine._open().store
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        records = [store.get(run_id) for run_id in runs]
        left = [each for each in records if each.state in UNFINISHED and not is_alive(each.owner, store)]
        if not left:
            return
        time.sleep(0.1)
    pytest.fail(f"still with a process that is gone: {left}")
