"""What tests share: the bundled models, an engine with a folder of its own, and a way to run one prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import Engine, Options, Results, Run, Settings, Source
from engine.settings import BUNDLED_MODELS
from tests.order import rank, scope_of
from tests.pool import open_engine

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))
    # Servers, workers and browsers on a busy machine: what fails twice fails, and the end counts what was tried again.
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SaidAtOnce(config))
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from hypothesis import settings

        settings.register_profile("any-machine", deadline=None)  # how long an example takes is the machine's affair
        settings.load_profile("any-machine")


class SaidAtOnce:
    """A line for each failure as it comes: what a run that is stopped before its end has found is not lost."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and report.outcome not in ("passed", "skipped"):
            said = report.longrepr.reprcrash.message if hasattr(report.longrepr, "reprcrash") else str(report.longrepr)
            first = next(iter(said.splitlines()), "")
            terminal.write_line(f"\n{report.outcome} in {report.duration:.0f} s: {report.nodeid}: {first}")


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from xdist.scheduler import LoadFileScheduling

    class InOrder(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False  # files with few tests are not the short ones
    return InOrder(config, log)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with the bundled models and its own home, on the CPU."""
    engine = open_engine(Settings(home=tmp_path / "home", models=(BUNDLED_MODELS,), accelerator="cpu"))
    yield engine
    engine.close()


class Predicting:
    """Checks, predicts and waits; what most tests want of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, model_id: str, paths: Sequence[Path], **options: object) -> Run:
        run = self.engine.check(model_id, [Source(path.name, path) for path in paths])
        self.engine.submit(run.id, Options.model_validate(options))
        ended = self.engine.wait(run.id)
        assert ended.state == "done", ended.error
        return ended

    def results(self, model_id: str, paths: Sequence[Path], **options: object) -> Results:
        return self.engine.results(self.run(model_id, paths, **options).id)


@pytest.fixture
def predicting(engine: Engine) -> Predicting:
    return Predicting(engine)


@pytest.fixture
def samples() -> Path:
    """The bundled models' folder, whose samples are real files."""
    return BUNDLED_MODELS


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of a process: Playwright allows no second beside it."""
    from playwright.sync_api import expect, sync_playwright  # tests without a browser do without the package

    from tests.browser.install import installed

    expect.set_options(timeout=60_000)  # the first prediction waits for a worker that imports torch
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=installed(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"],  # drawing costs most
        )
        yield found
        found.close()
