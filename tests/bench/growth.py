"""Time and memory of whole predictions from few rows to many, each size in a process of its own; and what follows."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil
from PIL import Image

from engine import Engine, Options, Settings, Source
from engine.settings import BUNDLED_MODELS
from tests.bench.memory import Watch
from tests.bench.plot import Line, plot

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
PICTURES = (100, 1_000, 10_000, 100_000)
_MODELS = {"rows": "diabetes-progression", "pictures": "small-cnn"}
_WARM = {"rows": 1_000, "pictures": 50}
_TIMES_BELOW, _TIMES = 2_000_000, 3


@dataclass(frozen=True)
class Point:
    """One size: seconds to check, to predict, to write the CSV, and those that processors were at work for all of it.

    Bytes of memory, of the file, of the run.
    """

    count: int
    check: float
    predict: float
    export: float
    processors: float
    peak: int
    file: int
    run: int

    @property
    def seconds(self) -> float:
        return self.check + self.predict + self.export


def growth(folder: Path, scale: float, figure: Path) -> str:
    """The section of the report; draws `figure`."""
    before = os.getloadavg()[0]
    rows = [_measured("rows", int(count * scale), folder) for count in ROWS]
    pictures = [_measured("pictures", int(count * scale), folder) for count in PICTURES]
    loads = (before, os.getloadavg()[0])
    figure.write_text(_drawn(rows, pictures), encoding="utf-8")
    return "\n".join(
        (
            "## Growth",
            "",
            "Whole predictions, file to CSV, by one process that predicts; each size in processes of its own,",
            "on a warm model. «Processors» are the",
            "seconds that cores were at work for it: they grow with the work alone, whatever else the machine does.",
            "Memory is the peak of what server and workers hold together; pages of mapped files do not count.",
            f"The machine's load was {loads[0]:.1f} at first and {loads[1]:.1f} at last, of {os.cpu_count()} cores.",
            "",
            f"![Time and memory over the number of rows and pictures]({figure.name})",
            "",
            "| | check | predict | CSV out | together | processors | memory |",
            "|---|---|---|---|---|---|---|",
            *(_line(point, "rows") for point in rows),
            *(_line(point, "pictures") for point in pictures),
            "",
            _ratios("rows", rows),
            _ratios("pictures", pictures),
            "",
            *_billion(rows),
        )
    )


def _line(point: Point, what: str) -> str:
    parts = (point.check, point.predict, point.export, point.seconds, point.processors)
    seconds = " | ".join(f"{each:.2f} s" for each in parts)
    return f"| {point.count:,} {what} | {seconds} | {point.peak / 2**20:,.0f} MiB |"


def _ratios(what: str, points: Sequence[Point]) -> str:
    before, last = points[-2:]
    return (
        f"{last.count / before.count:.0f} times the {what}, from {before.count:,} to {last.count:,}: "
        f"**{last.processors / before.processors:.1f}** times the processors' time, "
        f"{last.seconds / before.seconds:.1f} times the time, **{last.peak / before.peak:.2f}** times the memory."
    )


def _billion(points: Sequence[Point]) -> list[str]:
    """What the largest sizes say of a billion rows, if every device were a process such as the one measured."""
    before, last = points[-2:]
    many = 1_000_000_000
    check, predict, export = (
        (getattr(last, part) - getattr(before, part)) / (last.count - before.count) * many
        for part in ("check", "predict", "export")
    )
    size, run = (getattr(last, part) / last.count * many for part in ("file", "run"))
    limit, rows = (Settings.model_fields[name].default for name in ("max_file_bytes", "max_rows"))
    lines = [
        f"| {name} | {check / 60:.1f} min | {predict / devices / 60:.1f} min | {export / 60:.1f} min "
        f"| {(check + predict / devices + export) / 60:.1f} min |"
        for name, devices in (("this machine", 1), ("8 GPUs", 8), ("a cluster of 10 nodes", 10))
    ]
    return [
        f"### {many:,} rows, computed from these figures",
        "",
        "| | check | predict | CSV out | together |",
        "|---|---|---|---|---|",
        *lines,
        "",
        "It is assumed that every device predicts as fast as the one process measured here, whatever it is, and that",
        "what is read keeps up with them. No GPU and no cluster was measured. The CSV would be "
        f"{size / 1e9:,.0f} GB, the run's folder {run / 1e9:,.0f} GB.",
        "",
        f"What breaks first: a run may have {rows / 1e6:,.0f} million rows (`FORELIGHT_MAX_ROWS`), and a visitor's",
        f"file {limit / 2**30:.0f} GiB (`FORELIGHT_MAX_FILE_BYTES`), {limit / size * many / 1e6:,.0f} million of these "
        "rows; a host may raise both.",
        "Then that one process checks the file and one writes",
        f"the CSV: {(check + export) / 60:.0f} minutes are not shared. No number of devices makes the whole more than",
        f"{(check + predict + export) / (check + export):.1f} times as fast as here, and with "
        f"{max(2, -(-predict // (check + export))):.0f} of them the prediction takes less than what is not shared.",
        "Parquet in and out moves that limit; a heavier model makes it matter less.",
    ]


def _drawn(rows: Sequence[Point], pictures: Sequence[Point]) -> str:
    def lines(points: Sequence[Point], what: str, part: str, factor: float) -> Line:
        return Line(what, [point.count for point in points], [getattr(point, part) * factor for point in points])

    both = (("rows of a table", rows), ("pictures", pictures))
    return plot(
        [
            ("seconds", [lines(points, name, "seconds", 1) for name, points in both]),
            ("MiB of memory at the peak", [lines(points, name, "peak", 2**-20) for name, points in both]),
        ]
    )


def _measured(kind: str, count: int, folder: Path) -> Point:
    environment = {**os.environ, "FORELIGHT_HOME": str(folder / "growth"), "FORELIGHT_DEVICES": "1"}
    command = [sys.executable, "-m", "tests.bench.growth", kind, str(count), str(folder)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    point = Point(**json.loads(done.stdout.splitlines()[-1]))
    print(f"growth, {kind}: {point}", file=sys.stderr, flush=True)
    return point


def main(kind: str, count: int, folder: Path) -> None:
    """Makes the file in pieces, so that making it takes no memory, then predicts it and prints a Point as JSON."""
    engine = Engine(Settings(models=(BUNDLED_MODELS, folder / "models"), accelerator="cpu"))
    make = {"rows": write_rows, "pictures": write_pictures}[kind]
    suffix = {"rows": "csv", "pictures": "zip"}[kind]
    warm, path = folder / f"warm.{suffix}", folder / f"growth.{suffix}"
    make(engine, warm, _WARM[kind])
    make(engine, path, count)
    _point(engine, _MODELS[kind], warm, 0)
    times = _TIMES if (count < _TIMES_BELOW and kind == "rows") or count <= 1_000 else 1
    points = [_point(engine, _MODELS[kind], path, count) for _ in range(times)]
    engine.close()
    path.unlink()
    found = asdict(points[0])
    for part in ("check", "predict", "export", "processors"):
        found[part] = statistics.median(getattr(point, part) for point in points)
    found["peak"] = max(point.peak for point in points)
    print(json.dumps(found))


def _point(engine: Engine, model: str, path: Path, count: int) -> Point:
    worked = _processor_seconds(engine)
    with Watch(lambda: _workers(engine)) as watch:
        started = time.perf_counter()
        run = engine.check(model, [Source(path.name, path)])
        checked = time.perf_counter()
        engine.submit(run.id, Options())
        ended = engine.wait(run.id)
        predicted = time.perf_counter()
        engine.export(run.id, "csv")
        written = time.perf_counter()
    worked = _processor_seconds(engine) - worked
    if ended.state != "done":
        raise RuntimeError(ended.error)
    size = engine.run(run.id).bytes
    engine.delete(run.id)
    seconds = (checked - started, predicted - checked, written - predicted)
    return Point(count, *seconds, worked, watch.peak, path.stat().st_size, size)


def _workers(engine: Engine) -> list[int]:
    return [worker.pid for worker in engine.workers() if worker.pid is not None]


def _processor_seconds(engine: Engine) -> float:
    """How long processors have been at work for this process and its workers."""
    times = (psutil.Process(pid).cpu_times() for pid in _workers(engine))
    return time.process_time() + sum(each.user + each.system for each in times)


def write_rows(engine: Engine, path: Path, rows: int) -> None:
    """A CSV of made-up patients."""
    random = np.random.default_rng(0)
    signature = engine.model(_MODELS["rows"]).usable_card().signature
    with path.open("wb") as file:
        for start in range(0, rows, 100_000):
            count = min(100_000, rows - start)
            columns = {c.name: random.uniform(*(c.range or (0, 1)), count).astype(np.float32) for c in signature}
            columns["sex"] = random.integers(1, 3, count)
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)


def write_pictures(engine: Engine, path: Path, count: int) -> None:
    """A zip of smooth random PNG pictures of 32 × 32: they pack as photos do."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            content = io.BytesIO()
            small = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            small.resize((32, 32), Image.Resampling.BICUBIC).save(content, "PNG")
            archive.writestr(f"{number:06d}.png", content.getvalue())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
