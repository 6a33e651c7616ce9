"""One row as JSON through the API, against the engine's own time for it: a real server, and models that are warm."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from engine import Column, Engine, Settings, Source
from tests.browser.serving import served

TIMES = 100
MODELS = ("diabetes-progression", "breast-cancer", "penguins")
MOST = 3.0


def answering(folder: Path, times: int = TIMES) -> str:
    """The figures as a section of the report."""
    homes = [folder / name for name in ("served", "own")]
    for home in homes:
        home.mkdir()
    engine = Engine(Settings(home=homes[1], accelerator="cpu"))
    with served(homes[0]) as (address, _), httpx.Client(base_url=f"{address}/api/v1", timeout=120) as api:
        lines = [_line(engine, api, model_id, folder, times) for model_id in MODELS]
    engine.close()
    return "\n".join(
        (
            "## One row by the API",
            "",
            f"Medians of {times} pairs: `POST /models/…/predictions` with one row as JSON, to a server, and",
            "`Engine.predict_now` of the same row in the client. Both have their own workers, and warm models.",
            f"Load average meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
            "",
            "| model | by the API | the engine's own | ratio |",
            "|---|---|---|---|",
            *lines,
        )
    )


def _line(engine: Engine, api: httpx.Client, model_id: str, folder: Path, times: int) -> str:
    row = {column.name: _value(column) for column in engine.model(model_id).usable_card().signature}
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")

    def by_the_api() -> None:
        answer = api.post(f"/models/{model_id}/predictions", json={"rows": [row]})
        assert answer.json()["rows"][0]["status"] == "ok", answer.text

    def own() -> None:
        _, lines = engine.predict_now(model_id, [Source(path.name, path)])
        assert lines["status"].to_list() == ["ok"]

    for _ in range(5):
        by_the_api()
        own()
    pairs = [(_seconds(by_the_api), _seconds(own)) for _ in range(times)]
    asked, alone = (statistics.median(each) * 1000 for each in zip(*pairs, strict=True))
    return f"| {model_id} | {asked:.1f} ms | {alone:.1f} ms | **{asked / alone:.2f}** (≤ {MOST:g}) |"


def _value(column: Column) -> object:
    """What a row may hold there."""
    if column.example is not None:
        return column.example
    low, high = column.range or (1.0, 1.0)
    return column.categories[0] if column.categories else (low + high) / 2


def _seconds(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
