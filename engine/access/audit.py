"""The audit trail: who ran, saw, shared, downloaded, changed or deleted what, and when."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import sqlalchemy as sa

from engine.access.caller import Caller
from engine.access.secret import now
from engine.runs.database import Database
from engine.runs.tables import audit

_SECONDS_OF_OFTEN = 3_600.0
_MOST_OFTEN = 10_000
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done. `at` is ISO 8601 in UTC; run and model are "" where it was about none."""

    at: str
    visitor: str
    visitor_name: str
    action: str
    run_id: str
    model_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which entries are wanted; what is empty does not matter. `since` is a day or a moment, ISO 8601 in UTC."""

    visitor: str = ""
    run_id: str = ""
    action: str = ""
    since: str = ""


class AuditTrail:
    """Only ever added to, until `sweep` forgets what is too old. Holds no cell and no file's name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._often: OrderedDict[tuple[str, str, str, str], datetime] = OrderedDict()
        self._lock = Lock()

    def note(self, caller: Caller, action: str, run_id: str = "", model_id: str = "", detail: str = "") -> None:
        """Adds what the caller did."""
        values = {"at": now(), "visitor": caller.visitor, "visitor_name": caller.name, "action": action}
        values |= {"run_id": run_id, "model_id": model_id, "detail": detail}
        with self._database.speaking("written") as connection:
            connection.execute(sa.insert(audit).values(**values))

    def did_often(self, caller: Caller, action: str, run_id: str = "", model_id: str = "", detail: str = "") -> None:
        """Adds what may be done each second, as by a page that is open; once an hour."""
        here = (caller.visitor, action, run_id, model_id)
        moment = datetime.now(UTC)
        with self._lock:
            last = self._often.pop(here, None)
            fresh = last is not None and (moment - last).total_seconds() < _SECONDS_OF_OFTEN
            self._often[here] = last if fresh and last is not None else moment
            if len(self._often) > _MOST_OFTEN:
                self._often.popitem(last=False)
        if not fresh and not self._noted(caller, action, run_id, moment):
            self.note(caller, action, run_id, model_id, detail)

    def people(self) -> dict[str, str]:
        """Names by visitor, of those who have one."""
        asked = sa.select(audit.c.visitor, audit.c.visitor_name).where(audit.c.visitor_name != "").distinct()
        with self._database.speaking("read") as connection:
            return {row.visitor: row.visitor_name for row in connection.execute(asked)}

    def entries(
        self, wanted: AuditSearch | None = None, *, limit: int = 100, offset: int = 0
    ) -> tuple[AuditEntry, ...]:
        """What was done, the newest first."""
        asked = sa.select(audit).where(*_conditions(wanted)).order_by(audit.c.number.desc()).limit(limit).offset(offset)
        with self._database.speaking("read") as connection:
            return tuple(map(_entry, connection.execute(asked).mappings()))

    def pages(self, wanted: AuditSearch | None = None) -> Iterator[tuple[AuditEntry, ...]]:
        """All that was done, the newest first, some thousand at a time; what is done meanwhile is left out."""
        every = sa.select(audit).where(*_conditions(wanted)).order_by(audit.c.number.desc()).limit(_AT_ONCE)
        asked = every
        while True:
            with self._database.speaking("read") as connection:
                rows = connection.execute(asked).mappings().all()
            if not rows:
                return
            yield tuple(map(_entry, rows))
            asked = every.where(audit.c.number < rows[-1]["number"])

    def _noted(self, caller: Caller, action: str, run_id: str, moment: datetime) -> bool:
        """Whether another server, or this one before it was started again, noted that of the run within the hour."""
        if not caller.visitor or not run_id:
            return False
        last = self.entries(AuditSearch(caller.visitor, run_id, action), limit=1)
        return bool(last) and (moment - datetime.fromisoformat(last[0].at)).total_seconds() < _SECONDS_OF_OFTEN

    def count(self, wanted: AuditSearch | None = None) -> int:
        """How many entries there are of that kind."""
        asked = sa.select(sa.func.count()).select_from(audit).where(*_conditions(wanted))
        with self._database.speaking("read") as connection:
            return int(connection.execute(asked).scalar_one())

    def actions(self) -> tuple[str, ...]:
        """What has ever been done, sorted."""
        with self._database.speaking("read") as connection:
            return tuple(sorted(connection.execute(sa.select(audit.c.action).distinct()).scalars()))

    def sweep(self, keep_days: float) -> None:
        """Forgets what is older than so many days."""
        oldest = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat()
        with self._database.speaking("written") as connection:
            connection.execute(sa.delete(audit).where(audit.c.at < oldest))


def _conditions(wanted: AuditSearch | None) -> list[sa.ColumnElement[bool]]:
    if wanted is None:
        return []
    same = {"visitor": wanted.visitor, "run_id": wanted.run_id, "action": wanted.action}
    found: list[sa.ColumnElement[bool]] = [audit.c[name] == value for name, value in same.items() if value]
    return [*found, audit.c.at >= wanted.since] if wanted.since else found


def _entry(row: Mapping[Any, Any]) -> AuditEntry:
    return AuditEntry(**{name: row[name] for name in AuditEntry.__slots__})
