"""The life of a run: turns, cancel, resume, restart, limits, retention, the same question twice, another machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from engine import Engine, Options, Run, Search, Settings, Source, repeat
from engine.errors import ModelChanged, QueueFull, RunNotFound, RunStateError
from engine.settings import BUNDLED_MODELS
from tests.engine.postgres import database
from tests.engine.trouble import write_rows, write_trouble
from tests.forking import PLACE, place
from tests.pool import open_engine

__all__ = ["database"]
Opening = Callable[..., Engine]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trouble(tmp_path_factory.mktemp("trouble"))


@pytest.fixture
def opening(tmp_path: Path, models: Path) -> Iterator[Opening]:
    """Opens engines on one home; all are closed at the end."""
    opened: list[Engine] = []

    def open_one(**settings: object) -> Engine:
        known = {"home": tmp_path / "home", "models": (models, BUNDLED_MODELS), "accelerator": "cpu"}
        opened.append(open_engine(Settings.model_validate({**known, **settings})))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(opening: Opening) -> Engine:
    return opening()


def begun(engine: Engine, path: Path, model_id: str = "slow", visitor: str = "", **options: object) -> Run:
    """A run that has predicted a batch at least."""
    run = engine.check(model_id, [Source(path.name, path)], visitor=visitor)
    engine.submit(run.id, Options.model_validate({"batch_size": 50, **options}))
    return until(engine, run.id, lambda run: run.rows_done > 0 or run.ended)


def until(engine: Engine, run_id: str, true: Callable[[Run], bool], seconds: float = 60) -> Run:
    deadline = time.monotonic() + seconds
    while not true(run := engine.run(run_id)):
        assert time.monotonic() < deadline, run
        time.sleep(0.02)
    return run


def undisturbed(engine: Engine, path: Path, **options: object) -> bytes:
    """The CSV of the same run where nothing happens to it."""
    run = engine.check("slow", [Source(path.name, path)])
    engine.submit(run.id, Options.model_validate({"batch_size": 50, **options}))
    assert engine.wait(run.id).state == "done"
    return engine.export(run.id, "csv").read_bytes()


def test_a_cancelled_run_keeps_its_rows_and_goes_on_from_there(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 10_000)
    run = begun(engine, path)
    engine.cancel(run.id)
    cancelled = engine.wait(run.id, 10)
    assert cancelled.state == "cancelled"
    assert cancelled.partial
    kept = engine.results(run.id)
    assert 0 < kept.n_rows == cancelled.rows_done < 10_000
    assert cancelled.rows_done % 50 == 0, "whole batches"
    assert kept.page(0, 5)["row"].to_list() == [1, 2, 3, 4, 5]
    assert engine.download_name(run.id, "csv") == "slow_rows_partial.csv"
    assert len(pl.read_csv(engine.export(run.id, "csv"))) == cancelled.rows_done
    shards = {shard: shard.read_bytes() for shard in (cancelled.folder / "shards").iterdir()}
    late = engine.download(run.id, "jsonl")

    engine.resume(run.id)
    done = engine.wait(run.id)
    assert (done.state, done.rows_done, done.partial) == ("done", 10_000, False)
    assert all(shard.read_bytes() == content for shard, content in shards.items()), "nothing is done twice"
    assert engine.export(run.id, "csv").read_bytes() == undisturbed(engine, path)
    assert b"".join(late).count(b"\n") == cancelled.rows_done, "a download that was begun before stays what it was"
    assert engine.export(run.id, "jsonl").read_bytes().count(b"\n") == 10_000, "and is nobody's after it"


def test_a_batch_that_takes_too_long_is_not_waited_for(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 100)
    run = engine.check("stuck", [Source(path.name, path)])
    engine.submit(run.id, Options(batch_size=50))
    until(engine, run.id, lambda run: run.stage == "Predicting")
    engine.cancel(run.id)
    assert engine.wait(run.id, 10).state == "cancelled"


def test_a_run_that_waits_is_cancelled_at_once(engine: Engine, tmp_path: Path) -> None:
    first = begun(engine, write_rows(tmp_path / "long.csv", 50_000))
    second = engine.check("slow", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 100))])
    engine.submit(second.id)
    engine.cancel(second.id)
    assert engine.wait(second.id, 1).state == "cancelled"
    with pytest.raises(RunStateError, match="no results yet"):
        engine.results(second.id)
    engine.cancel(first.id)
    engine.wait(first.id, 10)


def test_only_what_did_not_end_well_is_resumed(engine: Engine, tmp_path: Path) -> None:
    run = begun(engine, write_rows(tmp_path / "rows.csv", 100))
    engine.wait(run.id)
    with pytest.raises(RunStateError, match="is done; there is nothing to resume"):
        engine.resume(run.id)


def test_a_run_is_not_resumed_by_another_model(engine: Engine, models: Path, tmp_path: Path) -> None:
    run = begun(engine, write_rows(tmp_path / "rows.csv", 20_000))
    engine.cancel(run.id)
    engine.wait(run.id, 10)
    card = models / "slow" / "card.yaml"
    before = card.read_text()
    card.write_text(before + "description: another\n")
    with pytest.raises(ModelChanged, match="Predict the files again"):
        engine.resume(run.id)
    card.write_text(before)
    engine.resume(run.id)
    engine.cancel(run.id)


def test_visitors_take_turns_and_see_their_place(engine: Engine, tmp_path: Path) -> None:
    long = begun(engine, write_rows(tmp_path / "long.csv", 60_000), visitor="ann")
    path = write_rows(tmp_path / "rows.csv", 100)
    waiting = []
    for visitor in ("ann", "ann", "bob"):
        run = engine.check("slow", [Source(path.name, path)], visitor=visitor)
        waiting.append(engine.submit(run.id, Options(batch_size=10)))
    places = [engine.run(run.id).place for run in waiting]
    ahead = [place.ahead for place in places if place is not None]
    assert ahead == sorted(ahead)[: len(ahead)] or ahead[-1] <= ahead[0] + 1, "bob is not behind all of ann's"
    ended = [engine.wait(run.id, 60) for run in waiting]
    assert [run.state for run in ended] == ["done"] * 3
    assert engine.run(long.id).state == "running", "small runs do not wait for the end of a long one"
    assert ended[2].finished < max(run.finished for run in ended[:2]), "the second visitor's turn comes in between"
    engine.cancel(long.id)
    engine.wait(long.id, 10)
    assert len(list((engine.run(long.id).folder / "shards").iterdir())) > 1, "it gave way"


def test_limits_are_said_at_one_above(opening: Opening, tmp_path: Path) -> None:
    engine = opening(max_waiting=3, max_waiting_per_visitor=2, max_reading_per_visitor=1)
    path = write_rows(tmp_path / "rows.csv", 50_000)
    running = [begun(engine, path, visitor="ann")]
    for visitor, refused in (("ann", False), ("ann", True), ("bob", False), ("cem", True)):
        run = engine.check("slow", [Source(path.name, path)], visitor=visitor)
        if refused:
            with pytest.raises(QueueFull, match="as many as there may be"):
                engine.submit(run.id)
            assert engine.run(run.id).state == "checked", "it can be tried again"
        else:
            running.append(engine.submit(run.id, Options(batch_size=50)))
    for run in running:
        engine.cancel(run.id)
    refusals = []

    def meanwhile(stage: str, done: int, total: int) -> None:
        with pytest.raises(QueueFull, match="1 of your checks are going on"):
            engine.check("slow", [Source(path.name, path)], visitor="ann")
        refusals.append(stage)

    engine.check("slow", [Source(path.name, path)], visitor="ann", progress=meanwhile)
    assert refusals
    for visitor, full in (("dan", False), ("dan", True), ("eve", False)):
        small = opening(max_visitor_bytes=1_000)
        if full:
            with pytest.raises(QueueFull, match="checked and not started take over"):
                small.check("slow", [Source(path.name, path)], visitor=visitor)
        else:
            small.check("slow", [Source(path.name, path)], visitor=visitor)


def test_a_closed_engine_leaves_runs_that_the_next_one_ends(opening: Opening, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 10_000)
    first = opening()
    run = begun(first, path)
    first.close()
    second = opening()
    assert second.run(run.id).state == "interrupted"
    rows = second.run(run.id).rows_done
    assert 0 < rows < 10_000
    second.resume(run.id)
    assert second.wait(run.id).state == "done"
    assert second.export(run.id, "csv").read_bytes() == undisturbed(second, path)


def test_a_server_ends_what_a_closed_one_left(opening: Opening, tmp_path: Path) -> None:
    first = opening()
    run = begun(first, write_rows(tmp_path / "rows.csv", 10_000))
    first.close()
    second = opening()
    second.serve()
    assert until(second, run.id, lambda run: run.state == "done").rows_done == 10_000


def test_another_process_watches_and_cancels(engine: Engine, tmp_path: Path, models: Path) -> None:
    run = begun(engine, write_rows(tmp_path / "rows.csv", 100_000))
    code = f"""
from pathlib import Path
from engine import Engine, Settings
engine = Engine(Settings(home=Path({str(engine.settings.home)!r}), models=(Path({str(models)!r}),)))
print(engine.run({run.id!r}).state)
engine.cancel({run.id!r})
print(engine.wait({run.id!r}, 20).state)
engine.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["running", "cancelled"], done.stderr
    assert engine.run(run.id).state == "cancelled"


def test_a_run_lives_in_either_database(opening: Opening, database: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 5_000)
    engine = opening(database_url=database)
    run = begun(engine, path, visitor="ann")
    engine.cancel(run.id)
    assert engine.wait(run.id, 10).state == "cancelled"
    engine.resume(run.id)
    assert engine.wait(run.id).state == "done"
    assert [each.id for each in engine.runs(Search(visitor="ann", text="rows"))] == [run.id]
    assert engine.storage().used > 0
    engine.delete(run.id)
    assert engine.runs() == ()
    assert not run.folder.exists()


def test_a_folder_is_carried_to_another_machine(opening: Opening, tmp_path: Path) -> None:
    here, there = opening(), opening(home=tmp_path / "elsewhere")
    path = write_rows(tmp_path / "rows.csv", 10_000)
    run = here.check("slow", [Source(path.name, path)], keep_files=True)
    here.submit(run.id, Options(batch_size=50))
    until(here, run.id, lambda run: run.rows_done > 0)
    here.cancel(run.id)
    cancelled = here.wait(run.id, 10)
    path.unlink()
    target = tmp_path / "elsewhere" / "runs" / run.id
    shutil.copytree(cancelled.folder, target)
    found = there.run(run.id)
    assert (found.state, found.rows_done) == ("cancelled", cancelled.rows_done)
    there.resume(run.id)
    assert there.wait(run.id).state == "done"
    assert there.again(run.id).report.n_rows == 10_000, "the files came along"
    assert "visitor" not in json.loads((target / "run.json").read_text()), "who asked stays where it was asked"


def test_folders_make_a_lost_index_anew(opening: Opening, tmp_path: Path) -> None:
    first = opening()
    run = begun(first, write_rows(tmp_path / "rows.csv", 100))
    first.wait(run.id)
    first.close()
    for path in first.settings.home.glob("forelight.db*"):
        path.unlink()
    second = opening()
    second.serve()
    assert [(each.id, each.state, each.rows_done) for each in second.runs()] == [(run.id, "done", 100)]


def test_a_half_written_shard_is_not_taken_for_a_whole_one(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 10_000)
    run = begun(engine, path)
    engine.cancel(run.id)
    folder = engine.wait(run.id, 10).folder
    shard = min((folder / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:-100])
    (folder / "shards" / "000000009999.part").write_bytes(b"half")
    engine.resume(run.id)
    assert engine.wait(run.id).state == "done"
    assert engine.export(run.id, "csv").read_bytes() == undisturbed(engine, path)


def test_the_same_question_has_its_answer_already(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 100)

    def asked(visitor: str = "ann", model_id: str = "slow") -> Run:
        return engine.check(model_id, [Source("rows.csv", path)], visitor=visitor)

    first = asked()
    assert engine.answered(first.id) is None
    engine.submit(first.id)
    engine.wait(first.id)
    answer = engine.answered(asked().id)
    assert answer is not None
    assert answer.id == first.id
    assert engine.answered(asked().id, Options(batch_size=7)) is None, "other options"
    assert engine.answered(asked("bob").id) is None, "another's answer is another's"
    assert engine.answered(asked(model_id="stuck").id) is None, "another model"
    write_rows(path, 101)
    assert engine.answered(asked().id) is None, "other rows"


def test_old_runs_go_first_and_never_one_that_runs(opening: Opening, tmp_path: Path) -> None:
    engine = opening()
    path = write_rows(tmp_path / "rows.csv", 200)
    old, newer, newest = (begun(engine, path) for _ in range(3))
    for run in (old, newer, newest):
        engine.wait(run.id)
    running = begun(engine, write_rows(tmp_path / "long.csv", 100_000))
    assert engine.sweep() == ()
    book = engine._open().book
    book.store.change(old.id, finished="2020-01-01T00:00:00+00:00")
    book.store.change(running.id, created="2020-01-01T00:00:00+00:00")
    assert engine.sweep() == (old.id,)
    assert not old.folder.exists()
    with pytest.raises(RunNotFound):
        engine.run(old.id)
    used = engine.storage().used
    capped = opening(keep_bytes=used - 1)
    assert capped.sweep() == (newer.id,)
    assert {run.id for run in engine.runs()} == {newest.id, running.id}
    engine.cancel(running.id)


def test_a_run_has_a_name_and_a_note(engine: Engine, tmp_path: Path) -> None:
    run = begun(engine, write_rows(tmp_path / "rows.csv", 100))
    assert run.name == "rows.csv"
    engine.wait(run.id)
    engine.describe(run.id, name=" May ", note="with the new sensors")
    assert [each.name for each in engine.runs(Search(text="SENSORS"))] == ["May"]
    assert engine.describe(run.id, note="").note == ""
    assert engine.run(run.id).name == "May"


def test_a_run_says_how_it_is_repeated(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rows of 'may'.csv"
    write_rows(path, 50)
    path.write_text(path.read_text().replace("a,b,c,d", "A ,b,c,d"))
    run = engine.check("slow", [Source(path.name, path)], renames={"A ": "a"})
    engine.submit(run.id, Options(batch_size=20))
    done = engine.wait(run.id)
    expected = engine.export(run.id, "csv").read_bytes()
    steps = repeat(done)
    assert steps.versions["torch"]
    environment = {
        "PATH": "/usr/bin:/bin",
        PLACE: place(),
        "FORELIGHT_HOME": str(tmp_path / "other"),
        "FORELIGHT_MODELS": ":".join(map(str, engine.settings.models)),
        "FORELIGHT_ACCELERATOR": "cpu",
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[2]), str(tmp_path))),
    }
    command = steps.command.replace("python -m", f"{sys.executable} -m tests.forked", 1)
    subprocess.run(command, shell=True, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "predictions.csv").read_bytes() == expected
    (tmp_path / "steps.py").write_text(steps.python)
    python = [sys.executable, "-m", "tests.forked", "steps"]
    shown = subprocess.run(python, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
    assert shown.strip() == str(engine.results(run.id).page(0, 10))
