"""Pictures predicted while others are still decoded: the same bytes as one after the other, whatever happens."""

from __future__ import annotations

import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import Engine, Options, Run, Settings, Source
from engine.errors import InputRefused, ReadError, RunStateError
from engine.settings import BUNDLED_MODELS
from tests.engine.making import linear, write_model
from tests.engine.test_predictions import zip_of_pictures
from tests.pool import open_engine, pool

COUNT, AT_ONCE, BATCH = 1_200, 512, 64
TABLE = "diabetes-progression"
PATIENTS = BUNDLED_MODELS / TABLE / "samples" / "patients.csv"
OPTIONS = Options(batch_size=BATCH, on_error="report")
STEP = """if len(x) > 5:
            time.sleep(0.005)
            with open(os.path.join(os.path.dirname(__file__), "seen"), "a") as seen:
                seen.write(f"{len(x)}\\n")"""
CARD = {
    "title": "Slow pictures",
    "task": "image-regression",
    "image": {"size": [8, 8], "channels": 1},
    "outputs": [{"name": "y"}],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "pictures", linear(STEP, 64), CARD)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "pictures.zip"
    zip_of_pictures(path, np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), np.uint8))
    return path


@pytest.fixture
def engine(tmp_path: Path, models: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=tmp_path / "home", models=(models, BUNDLED_MODELS), accelerator="cpu"))
    yield engine
    engine.close()


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A picture whose bytes do not come: who reads it waits."""
    os.mkfifo(tmp_path / "last.png")
    return tmp_path / "last.png"


class Watching:
    """Told of the reading: once the first pictures are there, waits until some are predicted, and does `then`."""

    def __init__(self, models: Path, then: Callable[[], object] = lambda: None, times: int = 1) -> None:
        self._seen, self._then, self._times = models / "pictures" / "seen", then, times
        self._seen.unlink(missing_ok=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        if done == AT_ONCE and self._times:
            self._times -= 1
            until(self._seen.exists)
            self._then()

    @property
    def rows(self) -> int:
        """How many rows the model was given."""
        return sum(map(int, self._seen.read_text().split()))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill(who: str) -> None:
    pid: int | None = getattr(pool(1), who)[0].pid
    assert pid, "not 0, which is all of us"
    os.kill(pid, signal.SIGKILL)


def csv(engine: Engine, run: Run) -> bytes:
    ended = engine.wait(run.id, 60)
    assert (ended.state, ended.rows_done) == ("done", ended.rows_total), ended.error
    assert ended.seconds > 0
    assert ended.started
    return engine.export(run.id, "csv").read_bytes()


def one_after_the_other(engine: Engine, *paths: Path, model: str = "pictures") -> bytes:
    run = engine.check(model, [Source(path.name, path) for path in paths])
    assert not predicted(run)
    return csv(engine, engine.submit(run.id, OPTIONS))


def along(engine: Engine, paths: Sequence[Path], watching: Watching, options: Options = OPTIONS) -> Run:
    sources = [Source(path.name, path) for path in paths]
    return engine.check("pictures", sources, progress=watching, ahead=options)


def predicted(run: Run) -> list[Path]:
    return [path for path in (*(run.folder / "shards").iterdir(), run.folder / "plan.json") if path.exists()]


@pytest.fixture(scope="module")
def expected(models: Path, whole: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    engine = open_engine(Settings(home=tmp_path_factory.mktemp("home"), models=(models,), accelerator="cpu"))
    found = one_after_the_other(engine, whole)
    engine.close()
    return found


@pytest.mark.parametrize(
    "settings", [{}, {"devices": 2}, {"storage": "memory://along/runs"}], ids=["here", "two devices", "object store"]
)
def test_what_is_ready_is_predicted_while_the_rest_is_read(
    settings: dict[str, Any], expected: bytes, models: Path, whole: Path, tmp_path: Path
) -> None:
    engine = open_engine(Settings(home=tmp_path / "along", models=(models,), accelerator="cpu", **settings))
    watching = Watching(models)
    run = along(engine, [whole], watching)
    assert predicted(run), "before the end of the check"
    assert (run.state, run.report.n_good, engine.runs()) == ("checked", COUNT, ())
    with pytest.raises(RunStateError, match="no results yet"):
        engine.results(run.id)
    with pytest.raises(RunStateError, match="begun with other options"):
        engine.submit(run.id, Options(batch_size=50))
    assert csv(engine, engine.submit(run.id, OPTIONS)) == expected
    assert watching.rows == COUNT, "no row twice"
    engine.close()


def test_batches_are_as_large_as_was_found_by_the_first_rows(engine: Engine, models: Path, whole: Path) -> None:
    run = along(engine, [whole], Watching(models), Options())
    found = csv(engine, engine.submit(run.id, Options()))
    size = engine._open().book.folder(run.id).plan()["batch_size"]
    again = engine.check("pictures", [Source(whole.name, whole)])
    assert csv(engine, engine.submit(again.id, Options(batch_size=size))) == found


def test_a_broken_picture_costs_its_row_or_the_run(engine: Engine, models: Path, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    with zipfile.ZipFile(whole) as good, zipfile.ZipFile(path, "w") as broken:
        for number, name in enumerate(good.namelist()):
            broken.writestr(name, good.read(name)[: 40 if number in (5, 1_100) else None])
    run = along(engine, [path], Watching(models))
    assert csv(engine, engine.submit(run.id, OPTIONS)) == one_after_the_other(engine, path)
    refused = along(engine, [path], Watching(models), Options(batch_size=BATCH))
    assert not predicted(refused)
    plain = engine.check("pictures", [Source(path.name, path)])
    sentences = []
    for each in (plain, refused):
        with pytest.raises(InputRefused) as caught:
            engine.submit(each.id, Options(batch_size=BATCH))
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]
    assert refused.report == plain.report


def test_a_device_that_dies_in_the_middle_costs_no_row(
    engine: Engine, expected: bytes, models: Path, whole: Path
) -> None:
    run = along(engine, [whole], Watching(models, lambda: kill("devices")))
    assert csv(engine, engine.submit(run.id, OPTIONS)) == expected


def test_what_is_read_twice_is_predicted_anew(engine: Engine, models: Path, whole: Path, last: Path) -> None:
    def kill_and_end() -> None:
        kill("readers")
        last.unlink()
        with zipfile.ZipFile(whole) as archive:
            last.write_bytes(archive.read("0000.png"))

    watching = Watching(models, kill_and_end)
    run = along(engine, [whole, last], watching)
    assert not predicted(run)
    assert csv(engine, engine.submit(run.id, OPTIONS)) == one_after_the_other(engine, whole, last)


def test_what_cannot_be_read_leaves_nothing(engine: Engine, models: Path, whole: Path, last: Path) -> None:
    watching = Watching(models, lambda: kill("readers"), times=2)
    with pytest.raises(ReadError, match="The process that read the files ended twice"):
        along(engine, [whole, last], watching)
    assert not list(engine.settings.runs_folder.iterdir())


def test_who_stops_the_check_leaves_nothing(engine: Engine, expected: bytes, models: Path, whole: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        along(engine, [whole], Watching(models, stop))
    assert not list(engine.settings.runs_folder.iterdir())
    assert one_after_the_other(engine, whole) == expected, "workers go on"


def test_it_is_cancelled_and_goes_on(engine: Engine, expected: bytes, models: Path, whole: Path) -> None:
    watching = Watching(models)
    run = along(engine, [whole], watching)
    engine.submit(run.id, OPTIONS)
    engine.cancel(run.id)
    cancelled = engine.wait(run.id, 30)
    assert cancelled.state == "cancelled"
    assert engine.results(run.id).n_rows == cancelled.rows_done > 0, "what was predicted before the start too"
    engine.resume(run.id)
    assert csv(engine, run) == expected
    assert watching.rows <= COUNT + BATCH


def test_it_gives_way(engine: Engine, expected: bytes, models: Path, whole: Path) -> None:
    other = engine.check(TABLE, [Source(PATIENTS.name, PATIENTS)])

    def another() -> None:
        assert engine.wait(engine.submit(other.id, OPTIONS).id, 60).state == "done", "while the check goes on"

    run = along(engine, [whole], Watching(models, another))
    assert csv(engine, engine.submit(run.id, OPTIONS)) == expected


def test_a_closed_engine_predicts_no_more(expected: bytes, tmp_path: Path, models: Path, whole: Path) -> None:
    engine = open_engine(Settings(home=tmp_path / "home", models=(models,), accelerator="cpu"))
    watching = Watching(models, lambda: engine._open().backend.close())
    run = along(engine, [whole], watching)
    engine.close()
    other = open_engine(Settings(home=tmp_path / "home", models=(models,), accelerator="cpu"))
    assert csv(other, other.submit(run.id, OPTIONS)) == expected
    assert watching.rows <= COUNT + BATCH
    other.close()


def test_a_table_is_what_it_was(engine: Engine) -> None:
    run = engine.check(TABLE, [Source(PATIENTS.name, PATIENTS)], ahead=OPTIONS)
    assert not predicted(run), "what is wrong with a table is known at its end only"
    assert csv(engine, engine.submit(run.id, OPTIONS)) == one_after_the_other(engine, PATIENTS, model=TABLE)
