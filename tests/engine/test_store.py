"""The index of runs, in SQLite and in PostgreSQL: what it keeps, finds, and gives to one of many."""

from __future__ import annotations

import math
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from engine.errors import RunNotFound, StoreError
from engine.runs.database import database_url
from engine.runs.folder import now
from engine.runs.run import KeptSource, Options, Record
from engine.runs.store import RunStore, Search
from engine.runs.tables import metadata
from tests.engine import postgres
from tests.engine.postgres import database

__all__ = ["database"]


def record(run_id: str, **changes: object) -> Record:
    known = {"id": run_id, "model_id": "m", "title": "Model", "task": "tabular-regression", "created": now()}
    return Record.model_validate({**known, **changes})


@pytest.fixture
def store(database: str) -> RunStore:
    return RunStore(database_url(database, Path()))


def test_what_is_kept_comes_back(store: RunStore) -> None:
    kept = record(
        "a" * 26,
        sources=(KeptSource(name="Übung “1”.csv", path="upload/0", sha256="f" * 64, bytes=2**40),),
        renames={"S 1": "s1"},
        options=Options(on_error="report", precision="bf16-mixed"),
        versions={"torch": "2"},
        rows_total=10**12,
        seconds=1.5,
    )
    store.add(kept)
    assert store.get(kept.id) == kept
    store.delete(kept.id)
    with pytest.raises(RunNotFound):
        store.get(kept.id)


def test_a_search_finds_by_each_part(store: RunStore) -> None:
    store.add(record("a" * 26, visitor="ann", state="done", created="2026-01-01T10:00:00", question="q1"))
    source = KeptSource(name="Übung_100%.csv", path="x")
    store.add(record("b" * 26, visitor="bob", state="failed", created="2026-01-02T10:00:00", sources=(source,)))
    store.add(
        record("c" * 26, visitor="bob", state="done", created="2026-01-03T10:00:00", model_id="other", note="Why?")
    )

    def found(**search: object) -> str:
        return "".join(each.id[0] for each in store.find(Search(**search)))  # type: ignore[arg-type]

    assert found() == "cba", "the newest first"
    assert found(visitor="bob") == "cb"
    assert found(states=("done",)) == "ca"
    assert found(model_id="other") == "c"
    assert found(text="why?") == "c"
    assert found(text="Übung") == "b", "file names as they are written"
    assert found(text="100%.") == "b"
    assert found(text="_1") == "b", "no sign is a wildcard"
    assert found(text="x%y") == ""
    assert found(since="2026-01-02", until="2026-01-03") == "b"
    assert found(question="q1") == "a"
    assert store.count(Search(visitor="bob")) == 2
    assert [each.id[0] for each in store.find(limit=1, offset=1)] == ["b"]


def test_of_many_who_want_a_run_one_gets_it(store: RunStore) -> None:
    store.add(record("a" * 26, state="checked"))

    def take(number: int) -> bool:
        return store.change("a" * 26, when=("checked",), state="queued", owner=str(number)) is not None

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, range(16)))
    assert got.count(True) == 1
    assert store.get("a" * 26).owner == str(got.index(True))
    assert store.change("a" * 26, held_by="somebody", state="done") is None
    assert store.change("b" * 26, state="done") is None


def test_beats_speeds_and_sums(store: RunStore) -> None:
    assert store.silence("me") == math.inf
    store.beat("me")
    store.beat("me")
    assert 0 <= store.silence("me") < 60
    store.forget_owners()
    assert store.silence("me") < math.inf, "only those of whom nothing was heard for a day"
    store.leave("me")
    assert store.silence("me") == math.inf
    assert store.speed("m") is None
    store.learn_speed("m", 3.5)
    store.learn_speed("m", 4.5)
    assert store.speed("m") == 4.5
    assert store.bytes_used() == 0
    store.add(record("a" * 26, bytes=5))
    store.add(record("b" * 26, bytes=2**41))
    assert store.bytes_used() == 5 + 2**41


def test_the_migrations_lead_to_the_tables_that_are_used(store: RunStore, database: str) -> None:
    engine = sa.create_engine(database_url(database, Path()))
    found = sa.inspect(engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == set(table.c.keys())
        for column in table.c:
            assert columns[column.name]["nullable"] is column.nullable, column
            kinds = (columns[column.name]["type"].as_generic(), column.type)
            assert kinds[0]._type_affinity is kinds[1]._type_affinity, column
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert indexes >= {index.name for index in table.indexes}
    engine.dispose()


def test_a_postgresql_made_without_an_encoding_will_do() -> None:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    store = RunStore(database_url(postgres.server().replace("/postgres?", f"/{name}?"), Path()))
    store.add(kept := record("a" * 26, title="Größe"))
    assert store.get(kept.id).title == "Größe"


def test_several_that_start_together_make_one_schema(database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(RunStore, [database_url(database, Path())] * 4))
    stores[0].add(record("a" * 26))
    assert [store.get("a" * 26).id for store in stores] == ["a" * 26] * 4


def test_a_database_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("this is no database, however often it is opened" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        RunStore(f"sqlite:///{tmp_path / 'runs.db'}")
    with pytest.raises(StoreError, match="Take sqlite:///… or postgresql"):
        RunStore("nothing://x")


def test_a_password_is_never_shown() -> None:
    with pytest.raises(StoreError) as error:
        RunStore(database_url("postgresql://ann:secret@127.0.0.1:1/x", Path()))
    assert "secret" not in str(error.value)
    assert "***" in str(error.value)


@pytest.mark.skipif(os.name != "posix", reason="URLs of files")
def test_without_a_url_the_index_lies_beside_the_runs(tmp_path: Path) -> None:
    assert database_url("", tmp_path) == f"sqlite:///{tmp_path}/forelight.db"
    assert database_url("postgres://h/x", tmp_path) == "postgresql+psycopg://h/x"
    assert database_url("postgresql+psycopg://h/x", tmp_path) == "postgresql+psycopg://h/x"
