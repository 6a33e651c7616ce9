"""Several machines on one PostgreSQL: who lives there is known by being heard of; who stood still keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Engine, Options, Settings, Source
from engine.errors import RunTaken
from engine.runs.owners import is_alive, new_owner
from engine.workers.work import RunModel
from tests.engine.machines import machines
from tests.engine.postgres import database
from tests.engine.test_life import begun, undisturbed, until
from tests.engine.trouble import write_rows, write_trouble

__all__ = ["database"]
pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
Opening = Callable[[str], Engine]


@pytest.fixture
def opening(tmp_path: Path, database: str) -> Iterator[Opening]:
    """Opens engines on one home and one database, each as if on a machine of that name."""
    models = write_trouble(tmp_path / "models")
    settings = Settings(home=tmp_path / "home", models=(models,), accelerator="cpu", database_url=database)
    with machines() as open_on:
        yield lambda machine: open_on(machine, settings)


def test_a_server_that_stood_still_keeps_nothing_once_another_has_its_run(opening: Opening, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 5_000)
    first, second = opening("there"), opening("elsewhere")
    expected = undisturbed(second, path)
    second.serve()
    run = begun(first, path)
    assert second.run(run.id).state == "running", "its process is not here, but is heard of"
    _stand_still(first)
    until(second, run.id, lambda run: second._open().store.get(run.id).owner == second._owner)
    assert second.wait(run.id, 60).state == "done"
    assert second.export(run.id, "csv").read_bytes() == expected, "no row twice, none lost"
    assert not first._open().backend._active, "the first one let go of it"
    assert not list((run.folder / "shards").glob("*.part"))


def test_a_shard_is_kept_by_who_has_the_run(opening: Opening, tmp_path: Path) -> None:
    engine = opening("there")
    run = engine.check("slow", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 200))])
    folder = engine._open().book.folder(run.id)
    asked = {
        "folder": folder.path,
        "about": RunModel("slow", "", run.card_sha256, run.checkpoint_sha256),
        "span": (0, 100),
        "batch_size": 50,
        "options": Options(),
        "device": 0,
    }
    old, new = folder.claim(), folder.claim()
    with pytest.raises(RunTaken, match="in other hands"):
        engine._open().backend.call("predict", **asked, claim=old)
    assert not list((folder.path / "shards").iterdir())
    engine._open().backend.call("predict", **asked, claim=new)
    assert [(shard.start, shard.stop) for shard in folder.shards()] == [(0, 100)]


def test_a_run_taken_by_another_ends_here_without_a_word(opening: Opening, tmp_path: Path) -> None:
    engine = opening("there")
    run = begun(engine, write_rows(tmp_path / "rows.csv", 20_000))
    backend, store = engine._open().backend, engine._open().store
    kept = (run.folder / "run.json").read_bytes()
    store.change(run.id, owner="somebody")
    until(engine, run.id, lambda _: run.id not in backend._active)
    record = store.get(run.id)
    assert (record.owner, record.state) == ("somebody", "running")
    assert (run.folder / "run.json").read_bytes() == kept


def test_a_folder_is_taken_in_once_by_however_many(opening: Opening, tmp_path: Path) -> None:
    first, second = opening("there"), opening("elsewhere")
    run = begun(first, write_rows(tmp_path / "rows.csv", 100), visitor="ann")
    first.wait(run.id)
    book = second._open().book
    assert book.adopt(book.folder(run.id)).visitor == "ann", "what the store knows stays"
    assert second.count_runs() == 1


def test_containers_of_one_host_name_are_told_apart(tmp_path: Path, opening: Opening) -> None:
    store = opening("there")._open().store
    machine, pid, began, word = new_owner().split("|")
    other = f"{machine.partition('/')[0]}/0123456789ab|{pid}|{began}|{word}"
    assert not is_alive(other, store)
    store.beat(other)
    assert is_alive(other, store), "its number means nothing here; it was heard of"


def _stand_still(engine: Engine) -> None:
    """As a machine that is paused, or loses the database, is silent."""
    keeper = engine._open().keeper
    keeper._ended.set()
    assert keeper._thread is not None
    keeper._thread.join()
