"""Predicts a made-up table of so many rows, and prints the peak of the memory that server and workers held."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl

from engine import Engine
from tests.bench.works import ours


def held(pid: int | str = "self") -> int:
    """Bytes of anonymous memory of that process now; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def main(rows: int, folder: Path) -> None:
    """Writes the table in pieces, so that making it takes no memory, then watches while it is predicted."""
    path = folder / f"memory-{rows}.csv"
    engine = Engine()
    _write(engine, path, rows)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            workers = [worker.pid for worker in engine.workers() if worker.pid is not None]
            peak = max(peak, held() + sum(map(held, workers)))
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    ours(engine, "diabetes-progression", path)
    done.set()
    watcher.join()
    engine.close()
    path.unlink()
    print(json.dumps({"rows": rows, "peak": peak}))


def _write(engine: Engine, path: Path, rows: int) -> None:
    random = np.random.default_rng(0)
    signature = engine.model("diabetes-progression").usable_card().signature
    with path.open("wb") as file:
        for start in range(0, rows, 100_000):
            count = min(100_000, rows - start)
            columns = {c.name: random.uniform(*(c.range or (0, 1)), count).astype(np.float32) for c in signature}
            columns["sex"] = random.integers(1, 3, count)
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
