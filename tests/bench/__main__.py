"""`make bench`: times the works, and writes docs/benchmarks.md with the machine they ran on.

`python -m tests.bench growth works` measures these sections only, and leaves the others of the report as they are;
`python -m tests.bench gpu` those that want a GPU, with `--small` whatever there is.
"""

from __future__ import annotations

import gc
import logging
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader

from engine import Engine, Options, Settings, Source
from engine.settings import BUNDLED_MODELS
from tests.bench.answering import answering
from tests.bench.evaluation import evaluation_lines
from tests.bench.exploring import exploring
from tests.bench.gpu import FULL, SMALL, gpu
from tests.bench.growth import growth
from tests.bench.models import write_models
from tests.bench.pages import pages
from tests.bench.works import Work, module_of, works

DOCS = Path(__file__).parents[2] / "docs"
TIMES, TUTORIALS = 7, 2
PACKAGES = ("torch", "pytorch-lightning", "polars", "pandas", "pyarrow", "streamlit")
_HEADER = """# Benchmarks

Written by `make bench`, section by section. Machines are noisy: read the ratios.
"""


def main(names: Sequence[str], scale: float = 1.0) -> None:
    """Measures the sections; `scale` makes them smaller, for a look, and the report is then only printed."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    report = DOCS / "benchmarks.md"
    for name in names or SECTIONS:
        with tempfile.TemporaryDirectory() as temporary:
            section = f"{ALL[name](Path(temporary), scale)}\n\n*{_machine()}*"
        print(section, flush=True)
        if scale == 1.0:
            report.write_text(_with(report, name, section), encoding="utf-8")


def _with(report: Path, name: str, section: str) -> str:
    """The report with that section new."""
    text = report.read_text(encoding="utf-8") if report.is_file() else ""
    parts = dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=\n<!-- |\Z)", text, re.DOTALL))
    parts[name] = f"{section}\n"
    return _HEADER + "".join(f"\n<!-- {each} -->\n{parts[each]}" for each in ALL if each in parts)


def _works(folder: Path, scale: float) -> str:
    engine = Engine(Settings(home=folder / "home", models=(BUNDLED_MODELS, write_models(folder / "models"))))
    gc.collect()
    gc.freeze()
    lines = [_line(work, engine.settings.runs_folder) for work in works(engine, folder, scale)]
    one = _one_row(engine, folder)
    engine.close()
    return "\n".join(
        (
            "## File to file",
            "",
            f"Medians of {TIMES} interleaved runs in one process, models warm.",
            "",
            "- *tutorial*: pandas → TensorDataset → DataLoader of 32 → default Trainer → torch.cat → to_csv",
            "- *limit*: the fastest code known here without a Trainer, checks, row identity or a run folder",
            "",
            "| work | tutorial | Forelight | limit | tutorial ÷ Forelight | Forelight ÷ limit |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            one,
        )
    )


def _growth(folder: Path, scale: float) -> str:
    write_models(folder / "models")
    return growth(folder, scale, (DOCS if scale == 1.0 else folder) / "growth.svg")


SECTIONS: Mapping[str, Callable[[Path, float], str]] = {
    "works": _works,
    "growth": _growth,
    "evaluation": lambda folder, scale: "## Evaluation\n\n" + evaluation_lines(folder, int(1_000_000 * scale)),
    "answering": lambda folder, scale: answering(folder, max(10, int(100 * scale))),
    "exploring": lambda folder, scale: exploring(int(1_000_000 * scale)),
    "pages": lambda folder, scale: pages(int(1_000_000 * scale), int(2_048 * scale)),
}


ALL: Mapping[str, Callable[[Path, float], str]] = {
    **SECTIONS,
    "gpu": lambda folder, scale: gpu(folder, FULL),
    "gpu_small": lambda folder, scale: gpu(folder, SMALL),
}


def _seconds(way: Callable[[], object]) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def _line(work: Work, runs: Path) -> str:
    """The medians of interleaved runs, and their ratios; the tutorial runs less often, it is slow."""
    work.ours()
    work.limit()
    ours, limits, tutorials = [], [], []
    for time_ in range(TIMES):
        ours.append(_seconds(work.ours))
        shutil.rmtree(runs)
        limits.append(_seconds(work.limit))
        if time_ < TUTORIALS:
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


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = f"{os.cpu_count()} cores ({platform.machine()}), {'a GPU' if torch.cuda.is_available() else 'no GPU'}"
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    return f"{date.today().isoformat()}: {cores}, {load}, Python {platform.python_version()}, {versions}."


if __name__ == "__main__":
    given = sys.argv[1:]
    if "--small" in given:
        given = [f"{each}_small" for each in given if each != "--small"]
    scales = [float(each) for each in given if each[0].isdigit()]
    main([each for each in given if not each[0].isdigit()], *scales)
