"""`make bench`: times the works, and writes docs/benchmarks.md with the machine they ran on."""

from __future__ import annotations

import gc
import json
import logging
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader

from engine import Engine, Options, Settings, Source
from engine.settings import BUNDLED_MODELS
from tests.bench.evaluation import evaluation_lines
from tests.bench.exploring import exploring
from tests.bench.models import write_models
from tests.bench.pages import pages
from tests.bench.works import Work, module_of, works

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
TIMES = 3
PACKAGES = ("torch", "pytorch-lightning", "polars", "pandas", "pyarrow", "streamlit")


def main(scale: float = 1.0) -> None:
    """Runs everything; `scale` makes the works smaller, for a look."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        engine = Engine(Settings(home=folder / "home", models=(BUNDLED_MODELS, write_models(folder / "models"))))
        gc.collect()
        gc.freeze()
        lines = [_line(work, engine.settings.runs_folder) for work in works(engine, folder, scale)]
        one = _one_row(engine, folder)
        memory = _memory(folder, scale)
        evaluation = evaluation_lines(folder, int(1_000_000 * scale))
        engine.close()
    text = _report(lines, one, memory, evaluation) + "\n" + exploring(int(1_000_000 * scale)) + "\n"
    text += "\n" + pages(int(1_000_000 * scale), int(2_048 * scale)) + "\n"
    print(text)
    if scale == 1.0:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")


def _seconds(way: Callable[[], object]) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def _line(work: Work, runs: Path) -> str:
    """The medians of interleaved runs, and their ratios; the tutorial runs once less, it is slow."""
    work.ours()
    work.limit()
    ours, limits, tutorials = [], [], []
    for time_ in range(TIMES):
        ours.append(_seconds(work.ours))
        shutil.rmtree(runs)
        limits.append(_seconds(work.limit))
        if time_ < TIMES - 1:
            tutorials.append(_seconds(work.tutorial))
    tutorial, our, limit = map(statistics.median, (tutorials, ours, limits))
    print(f"{work.name}: tutorial {tutorial:.2f} ours {our:.2f} limit {limit:.2f}", file=sys.stderr, flush=True)
    return (
        f"| {work.name} | {tutorial:.2f} s | {our:.2f} s | {limit:.2f} s "
        f"| **{tutorial / our:.1f}** (≥ {work.at_least:g}) | **{our / limit:.2f}** (≤ {work.at_most:g}) |"
    )


def _one_row(engine: Engine, folder: Path) -> str:
    """One row through everything, against a bare Trainer.predict of that row."""
    path = folder / "one.csv"
    columns = engine.model("diabetes-progression").usable_card().signature
    path.write_text(",".join(c.name for c in columns) + "\n" + ",".join(str(c.example) for c in columns) + "\n")
    module = module_of(engine, "diabetes-progression")
    x = torch.tensor([[float(column.example or 0) for column in columns]])

    def bare() -> None:
        trainer = lightning.Trainer(
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.predict(module, DataLoader([(x, x)], batch_size=None))  # type: ignore[arg-type]

    def through_everything() -> None:
        run = engine.check("diabetes-progression", [Source("one.csv", path)])
        engine.submit(run.id, Options())
        engine.wait(run.id)
        engine.results(run.id).page(0, 1)

    for way in (bare, through_everything):
        way()
    pairs = [(_seconds(through_everything), _seconds(bare)) for _ in range(30)]
    ours, bare_ = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    print(f"one row: ours {ours:.1f} ms bare {bare_:.1f} ms", file=sys.stderr, flush=True)
    return f"One row: {ours:.1f} ms, a bare `Trainer.predict` {bare_:.1f} ms: **{ours / bare_:.1f}** times (≤ 5)."


def _memory(folder: Path, scale: float) -> str:
    """Peak memory of a whole prediction in a process of its own, at one and at ten million rows."""
    peaks = [_peak(folder, int(rows * scale)) for rows in (1_000_000, 10_000_000)]
    first, second = (peak / 2**20 for peak in peaks)
    return (
        f"Peak memory, linear regression: {first:,.0f} MiB at 1,000,000 rows, {second:,.0f} MiB at 10,000,000: "
        f"**{second / first:.2f}** times (≤ 1.3). Server and workers together; pages of mapped files do not count."
    )


def _peak(folder: Path, rows: int) -> int:
    """Bytes of anonymous memory at the peak, server and workers together, without the pages of files they map."""
    environment = {**os.environ, "FORELIGHT_HOME": str(folder / "memory")}
    command = [sys.executable, "-m", "tests.bench.memory", str(rows), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    peak: int = json.loads(done.stdout.splitlines()[-1])["peak"]
    print(f"memory at {rows:,}: {peak >> 20} MiB", file=sys.stderr, flush=True)
    return peak


def _report(lines: Sequence[str], *figures: str) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {'a GPU' if torch.cuda.is_available() else 'no GPU'}"
    return "\n".join(
        (
            "# Benchmarks",
            "",
            f"Written by `make bench` on {date.today().isoformat()}: {machine}, Python {platform.python_version()},",
            f"{versions}. Medians of {TIMES} interleaved runs in one process, file to file, models warm.",
            "Machines are noisy: read the ratios.",
            "",
            "- *tutorial*: pandas → TensorDataset → DataLoader of 32 → default Trainer → torch.cat → to_csv",
            "- *limit*: the fastest code known here without a Trainer, checks, row identity or a run folder",
            "",
            "| work | tutorial | Forelight | limit | tutorial ÷ Forelight | Forelight ÷ limit |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            *(line for figure in figures for line in (figure, "")),
        )
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
