"""An engine of its own for the pages and the routes of each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.resources import get_engine
from engine import Engine, Options, Run
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

TESTER = "session-tester"
FinishedRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def _no_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is run without a browser has none."""
    monkeypatch.setattr("dashboard.access.visitors._kept", lambda: "")
    monkeypatch.setattr("dashboard.access.callers._asked", lambda: ({}, "203.0.113.7"))


@contextmanager
def sharing_engine(home: Path, *models: Path, **settings: object) -> Iterator[Engine]:
    """The engine that pages and routes share meanwhile, with those folders of models, by default the bundled ones."""
    told = {"home": home, "models": os.pathsep.join(map(str, models or (BUNDLED_MODELS,))), "accelerator": "cpu"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (told | settings).items():
            patch.setenv(f"FORELIGHT_{name.upper()}", str(value))
        patch.setattr("dashboard.resources.Engine", open_engine)
        get_engine.clear()
        engine = get_engine()
        try:
            yield engine
        finally:
            engine.close()
            get_engine.clear()


@pytest.fixture
def shared_engine(tmp_path: Path) -> Iterator[Engine]:
    """With a home in the test's own folder."""
    with sharing_engine(tmp_path / "home") as engine:
        yield engine


@pytest.fixture
def finished_run(shared_engine: Engine) -> FinishedRun:
    """Makes a run on one of the model's samples that has ended well."""

    def make(model_id: str, sample: int = 0) -> Run:
        title = shared_engine.samples(model_id)[sample].title
        run = shared_engine.check(
            model_id, shared_engine.sample_sources(model_id, title), keep_files=True, visitor=TESTER
        )
        shared_engine.submit(run.id, Options(on_error="report"))
        ended = shared_engine.wait(run.id)
        assert ended.state == "done", ended.error
        return ended

    return make
