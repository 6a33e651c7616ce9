"""The index of all runs, in SQL: SQLite beside them, or PostgreSQL. What the runs hold lies in their folders."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import RunNotFound
from engine.runs.database import Database
from engine.runs.run import Record
from engine.runs.tables import batch_sizes, owners, runs, speeds

_SECONDS_OF_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Search:
    """Which runs are wanted; what is empty does not matter, nor does a visitor of None.

    Dates are ISO 8601, `until` not included. `text` is looked for in name, note, model and file names, in any case.
    """

    visitor: str | None = None
    states: Collection[str] = ()
    model_id: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    question: str = ""
    owner: str = ""


class RunStore(Database):
    """Safe to use from several threads and processes. Raises StoreError where the database does not answer."""

    def add(self, record: Record) -> None:
        """Takes the run in; does nothing where it is there, as another process may have found it first."""
        with self.speaking("written") as connection:
            connection.execute(self.insert(runs).values(_values(record)).on_conflict_do_nothing())

    def get(self, run_id: str) -> Record:
        """The run of that id, or RunNotFound."""
        with self.speaking("read") as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().first()
        if row is None:
            raise RunNotFound(run_id)
        return _record(row)

    def change(
        self, run_id: str, *, when: Collection[str] = (), held_by: str | None = None, **changes: Any
    ) -> Record | None:
        """The run after the changes; None, and nothing changed, where it is gone or not as `when` and `held_by` say.

        One statement: of two processes that want the same run, one gets it.
        """
        asked = sa.update(runs).where(runs.c.id == run_id).values(_plain(changes)).returning(*runs.c)
        if when:
            asked = asked.where(runs.c.state.in_(when))
        if held_by is not None:
            asked = asked.where(runs.c.owner == held_by)
        with self.speaking("written") as connection:
            row = connection.execute(asked).mappings().first()
        return None if row is None else _record(row)

    def delete(self, run_id: str) -> None:
        with self.speaking("written") as connection:
            connection.execute(sa.delete(runs).where(runs.c.id == run_id))

    def find(self, search: Search = Search(), *, limit: int | None = None, offset: int = 0) -> tuple[Record, ...]:
        """The runs that are wanted, the newest first."""
        asked = sa.select(runs).where(*_conditions(search)).order_by(runs.c.created.desc(), runs.c.id)
        with self.speaking("read") as connection:
            return tuple(_record(row) for row in connection.execute(asked.limit(limit).offset(offset)).mappings())

    def count(self, search: Search = Search()) -> int:
        with self.speaking("read") as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(*_conditions(search))).scalar_one())

    def counts(self) -> tuple[tuple[str, str, int], ...]:
        """(model, state, how many runs) for all that there are."""
        asked = sa.select(runs.c.model_id, runs.c.state, sa.func.count()).group_by(runs.c.model_id, runs.c.state)
        with self.speaking("read") as connection:
            return tuple((model_id, state, number) for model_id, state, number in connection.execute(asked))

    def bytes_used(self, search: Search = Search()) -> int:
        """What those runs, all of them where nothing is asked, take on disk together."""
        asked = sa.select(sa.func.coalesce(sa.func.sum(runs.c.bytes), 0)).where(*_conditions(search))
        with self.speaking("read") as connection:
            return int(connection.execute(asked).scalar_one())

    def held(self, owner: str) -> Mapping[str, bool]:
        """The runs of that process, and whether somebody wants each of them stopped."""
        asked = sa.select(runs.c.id, runs.c.stop).where(runs.c.owner == owner)
        with self.speaking("read") as connection:
            return {run_id: bool(stop) for run_id, stop in connection.execute(asked)}

    def ids(self) -> frozenset[str]:
        with self.speaking("read") as connection:
            return frozenset(connection.execute(sa.select(runs.c.id)).scalars())

    def beat(self, owner: str) -> None:
        """Notes that this process is alive."""
        self.put(owners, "id", owner, {"seen": self.clock})

    def leave(self, owner: str) -> None:
        """Notes that this process is gone."""
        with self.speaking("written") as connection:
            connection.execute(sa.delete(owners).where(owners.c.id == owner))

    def silence(self, owner: str) -> float:
        """Seconds since that process was last heard of; infinite where it never was."""
        asked = sa.select(self.clock - owners.c.seen).where(owners.c.id == owner)
        with self.speaking("read") as connection:
            found = connection.execute(asked).scalar()
        return math.inf if found is None else float(found)

    def forget_owners(self) -> None:
        """Forgets processes that have not been heard of for a day."""
        with self.speaking("written") as connection:
            connection.execute(sa.delete(owners).where(owners.c.seen < self.clock - _SECONDS_OF_A_DAY))

    def learn_speed(self, model_id: str, rows_per_second: float) -> None:
        self.put(speeds, "model_id", model_id, {"rows_per_second": rows_per_second})

    def speed(self, model_id: str) -> float | None:
        """Rows a second, as that model did the last time."""
        asked = sa.select(speeds.c.rows_per_second).where(speeds.c.model_id == model_id)
        with self.speaking("read") as connection:
            found = connection.execute(asked).scalar()
        return None if found is None else float(found)

    def learn_batch_size(self, checkpoint_sha256: str, precision: str, device: str, size: int) -> None:
        """Remembers how many lines of a batch are best for that checkpoint on devices of that name."""
        known = {"checkpoint_sha256": checkpoint_sha256, "precision": precision, "device": device}
        self.put(batch_sizes, "id", "|".join(known.values()), {**known, "batch_size": size})

    def batch_sizes(self, checkpoint_sha256: str, precision: str) -> dict[str, int]:
        """The sizes remembered, by the device's name."""
        columns = batch_sizes.c
        asked = sa.select(columns.device, columns.batch_size).where(
            columns.checkpoint_sha256 == checkpoint_sha256, columns.precision == precision
        )
        with self.speaking("read") as connection:
            return {row.device: row.batch_size for row in connection.execute(asked)}


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    equal = {"model_id": search.model_id, "question": search.question, "owner": search.owner}
    found = [runs.c[name] == value for name, value in equal.items() if value]
    if search.visitor is not None:
        found.append(runs.c.visitor == search.visitor)
    if search.states:
        found.append(runs.c.state.in_(search.states))
    if search.since:
        found.append(runs.c.created >= search.since)
    if search.until:
        found.append(runs.c.created < search.until)
    if search.text:
        places = (runs.c.name, runs.c.note, runs.c.title, runs.c.model_id, runs.c.id, sa.cast(runs.c.sources, sa.Text))
        found.append(sa.or_(*(place.icontains(search.text, autoescape=True) for place in places)))
    return found


def _values(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json")


def _plain(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as the columns hold them."""
    return {
        name: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for name, value in changes.items()
    }


def _record(row: Mapping[Any, Any]) -> Record:
    return Record.model_validate(dict(row))
