"""Looking at a million rows: the server's time for a page, a sort, a filter; bytes over the wire; memory held."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from engine import Engine, Filter, Results, Settings
from engine.results.files import export_path, stream_export
from tests.bench.memory import Watch, held
from tests.million import make_model, make_run

TIMES = 9
A_PAGE = 50
_SOUTH = (Filter("region", "in", ("south",)), Filter("confidence", "bin", (0.6, 0.7)))
_FOUND = (Filter("", "search", ("c-00123",)),)


def questions(results: Results) -> Mapping[str, Callable[[], object]]:
    """What a visitor does with a table and its charts."""
    deep = results.n_rows // 2
    return {
        "first page": lambda: results.page(0, A_PAGE),
        "next page": lambda: results.page(A_PAGE, A_PAGE),
        "sort by a number": lambda: results.page(0, A_PAGE, sort="confidence"),
        "sort by a text": lambda: results.page(0, A_PAGE, sort="customer", descending=True),
        "a page in the middle of a sort": lambda: results.page(deep, A_PAGE, sort="confidence"),
        "filter, counted, first page": lambda: (results.count(_SOUTH), results.page(0, A_PAGE, where=_SOUTH)),
        "search in all texts, counted": lambda: results.count(_FOUND),
        "search in all texts, first page": lambda: results.page(0, A_PAGE, where=_FOUND),
        "histogram by class": lambda: results.histogram("confidence", by="prediction"),
        "quantiles": lambda: results.quantiles("confidence"),
        "points of a scatter": lambda: results.scatter("income", "confidence", "prediction"),
    }  # fmt: skip


def exploring(rows: int) -> str:
    """The figures as a section of the report, measured in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "tests.bench.exploring", str(rows)], capture_output=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    lines = [f"| {name} | {figures[0]:.0f} ms | {figures[1]:.0f} MiB |" for name, figures in found["questions"].items()]
    return "\n".join(
        (
            f"## {rows:,} rows looked at",
            "",
            f"Medians of {TIMES}, run opened anew each time; memory is what the process then held beyond its start.",
            "",
            "| | server (≤ 500 ms) | memory (≤ 100 MiB) |",
            "|---|---|---|",
            *lines,
            "",
            f"A page is {found['page'] / 1000:.0f} kB as it is sent (≤ 200 kB). A CSV of all rows begins after "
            f"{found['first'] * 1000:.0f} ms; its {found['csv'] / 1e6:,.0f} MB took {found['whole']:.2f} s, "
            f"{found['held']:.0f} MiB held at the peak.",
        )
    )


def _watched(ask: Callable[[], object]) -> float:
    """MiB that the process held at the peak of the call beyond those before it."""
    before = held()
    with Watch(seconds=0.001) as watch:
        ask()
    return (watch.peak - before) / 2**20


def _seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def main(rows: int) -> None:
    """Makes the run, asks, and prints what it took as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["FORELIGHT_HOME"] = str(folder)
        maker = Engine(Settings(home=folder, models=(make_model(folder / "models"),), accelerator="cpu"))
        run = make_run(maker, folder, rows)
        figures = {}
        for name in questions(maker.results(run.id)):
            times = [_seconds(lambda name=name: questions(maker.results(run.id))[name]()) for _ in range(TIMES)]
            time.sleep(1)  # what the allocator keeps for a moment is given back
            memory = _watched(lambda name=name: questions(maker.results(run.id))[name]())
            figures[name] = (statistics.median(times) * 1000, memory)
        results = maker.results(run.id)
        sink = pa.BufferOutputStream()
        page = results.page(0, A_PAGE).to_arrow()
        with pa.ipc.new_stream(sink, page.schema) as stream:
            stream.write_table(page)
        found = {"questions": figures, "page": sink.getvalue().size, **_streamed(results)}
        maker.close()
    print(json.dumps(found))


def _streamed(results: Results) -> dict[str, float]:
    started = time.perf_counter()
    first = size = 0.0

    def read() -> None:
        nonlocal first, size
        for piece in stream_export(results, export_path(results, "csv")):
            first = first or time.perf_counter() - started
            size += len(piece)

    memory = _watched(read)
    return {"first": first, "whole": time.perf_counter() - started, "csv": size, "held": memory}


if __name__ == "__main__":
    main(int(sys.argv[1]))
