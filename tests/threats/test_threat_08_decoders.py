"""Threat 8, what no header shows: a reader that takes too much memory or time is ended, and harms no other run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import Engine, Settings, Source
from engine.backends import allowance
from engine.errors import ReadError, TooMuchWork
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

MODEL = "diabetes-progression"
SAMPLE = BUNDLED_MODELS / MODEL / "samples" / "patients.csv"


def many_small_things(path: Path) -> None:
    """24 MB of JSON that become a gigabyte of Python's objects."""
    path.write_text("[" + "{}," * 8_000_000 + "{}]")


def what_never_ends(path: Path) -> None:
    os.mkfifo(path)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def one(**limits: Any) -> Engine:
        engines.append(open_engine(Settings(home=tmp_path / "home", accelerator="cpu", **limits)))
        return engines[-1]

    yield one
    for engine in engines:
        engine.close()


@pytest.mark.parametrize(
    ("make", "limits", "words"),
    [
        (many_small_things, {"max_reader_bytes": 400 << 20}, "rows.json: Reading took more than 0.391 GiB of memory"),
        (what_never_ends, {"max_reader_seconds": 0.5}, "rows.json: Reading took more than 0.5 s without getting on"),
    ],
)
def test_a_reader_is_ended(
    opened: Callable[..., Engine], tmp_path: Path, make: Callable[[Path], None], limits: dict[str, Any], words: str
) -> None:
    engine, path = opened(**limits), tmp_path / "rows.json"
    make(path)
    with pytest.raises(ReadError, match=words):
        engine.check(MODEL, [Source(path.name, path)])
    assert not list(engine.settings.runs_folder.iterdir()), "nothing is left of it"
    assert opened().check(MODEL, [Source(SAMPLE.name, SAMPLE)]).report.clean, "the next one is read"


def test_progress_resets_the_clock_and_size_adds_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(allowance, "time", SimpleNamespace(monotonic=lambda: now[0]))
    path = tmp_path / "rows.csv"
    path.write_bytes(bytes(8_000_000))
    allowed = allowance.Allowance(Settings(home=tmp_path, max_reader_seconds=10), [Source(path.name, path)])
    now[0] = 12.0
    allowed.check(os.getpid())
    allowed.progressed()
    now[0] = 24.0
    allowed.check(os.getpid())
    now[0] = 24.1
    with pytest.raises(TooMuchWork, match="more than 12 s"):
        allowed.check(os.getpid())
