"""The audit trail: who ran, saw, shared, downloaded, changed or deleted what, and when."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import sqlalchemy as sa

from engine.access.caller import Caller
from engine.access.secret import now
from engine.runs.database import Database
from engine.runs.tables import audit

_SECONDS_OF_A_LOOK = 3_600.0
_MOST_LOOKS = 10_000


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


class AuditTrail:
    """Only ever added to, until `sweep` forgets what is too old. Holds no cell and no file's name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._lock = Lock()

    def note(self, caller: Caller, action: str, run_id: str = "", model_id: str = "", detail: str = "") -> None:
        """Adds what the caller did."""
        values = {"at": now(), "visitor": caller.visitor, "visitor_name": caller.name, "action": action}
        values |= {"run_id": run_id, "model_id": model_id, "detail": detail}
        with self._database.speaking("written") as connection:
            connection.execute(sa.insert(audit).values(**values))

    def saw(self, caller: Caller, run_id: str, model_id: str) -> None:
        """Adds that the caller looked at a run; once an hour, as a page that is open asks each second."""
        here = (caller.visitor, run_id)
        moment = datetime.now(UTC)
        with self._lock:
            last = self._looks.pop(here, None)
            fresh = last is not None and (moment - last).total_seconds() < _SECONDS_OF_A_LOOK
            self._looks[here] = last if fresh and last is not None else moment
            if len(self._looks) > _MOST_LOOKS:
                self._looks.popitem(last=False)
        if not fresh:
            self.note(caller, "saw", run_id, model_id)

    def entries(
        self, *, visitor: str = "", run_id: str = "", action: str = "", limit: int = 100, offset: int = 0
    ) -> tuple[AuditEntry, ...]:
        """What was done, the newest first; what is empty does not matter."""
        wanted = {"visitor": visitor, "run_id": run_id, "action": action}
        asked = sa.select(audit).where(*(audit.c[name] == value for name, value in wanted.items() if value))
        asked = asked.order_by(audit.c.number.desc()).limit(limit).offset(offset)
        with self._database.speaking("read") as connection:
            rows = connection.execute(asked).mappings().all()
        return tuple(AuditEntry(**{name: row[name] for name in AuditEntry.__slots__}) for row in rows)

    def sweep(self, keep_days: float) -> None:
        """Forgets what is older than so many days."""
        oldest = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat()
        with self._database.speaking("written") as connection:
            connection.execute(sa.delete(audit).where(audit.c.at < oldest))
