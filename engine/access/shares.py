"""Shares: who may see a run beside its owner, by a link or by logging in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.access.secret import hash_of, in_days, new_secret, now
from engine.ids import new_id
from engine.runs.database import Database
from engine.runs.tables import shares

_FOR_EVERYONE = ""
_PREFIX = "s_"


@dataclass(frozen=True, slots=True)
class Share:
    """One way to see a run, until `expires` (ISO 8601 in UTC). A link opens it for whoever has its key."""

    id: str
    run_id: str
    link: bool
    created: str
    expires: str


class Shares:
    """The shares of all runs. Raises StoreError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def link(self, run_id: str, visitor: str, days: float) -> tuple[Share, str]:
        """(the share, the key that opens it): the key has 256 random bits, is kept as a hash, and shown once."""
        key = new_secret(_PREFIX)
        return self._add(run_id, hash_of(key), visitor, days), key

    def everyone(self, run_id: str, visitor: str, days: float) -> Share:
        """Opens the run to all who may log in; a second call only moves the end."""
        for share in self.of(run_id):
            if not share.link:
                self.revoke(run_id, share.id)
        return self._add(run_id, _FOR_EVERYONE, visitor, days)

    def opens(self, run_id: str, keys: Collection[str]) -> bool:
        """Whether one of the keys, or nothing but being logged in, opens the run now."""
        hashes = [_FOR_EVERYONE, *(hash_of(key) for key in keys)]
        asked = sa.select(shares.c.id).where(
            shares.c.run_id == run_id, shares.c.key_sha256.in_(hashes), shares.c.expires > now()
        )
        with self._database.speaking("read") as connection:
            return connection.execute(asked.limit(1)).first() is not None

    def of(self, run_id: str) -> tuple[Share, ...]:
        """The shares of a run that open it now, the newest first."""
        asked = sa.select(shares).where(shares.c.run_id == run_id, shares.c.expires > now())
        with self._database.speaking("read") as connection:
            rows = connection.execute(asked.order_by(shares.c.created.desc())).mappings().all()
        return tuple(_share(row) for row in rows)

    def open_to_all(self) -> tuple[str, ...]:
        """The runs that all who may log in can see."""
        asked = sa.select(shares.c.run_id).where(shares.c.key_sha256 == _FOR_EVERYONE, shares.c.expires > now())
        with self._database.speaking("read") as connection:
            return tuple(connection.execute(asked.order_by(shares.c.created.desc())).scalars())

    def revoke(self, run_id: str, share_id: str = "") -> bool:
        """Whether that share of the run (any of it where none is named) was there; it opens nothing any more."""
        asked = sa.delete(shares).where(shares.c.run_id == run_id)
        if share_id:
            asked = asked.where(shares.c.id == share_id)
        with self._database.speaking("written") as connection:
            return bool(connection.execute(asked).rowcount)

    def sweep(self) -> None:
        """Forgets what has expired."""
        with self._database.speaking("written") as connection:
            connection.execute(sa.delete(shares).where(shares.c.expires <= now()))

    def _add(self, run_id: str, key_sha256: str, visitor: str, days: float) -> Share:
        values = {"id": new_id(), "run_id": run_id, "key_sha256": key_sha256, "visitor": visitor}
        values |= {"created": now(), "expires": in_days(days)}
        with self._database.speaking("written") as connection:
            connection.execute(sa.insert(shares).values(**values))
        return _share(values)


def _share(row: Mapping[Any, Any]) -> Share:
    return Share(row["id"], row["run_id"], row["key_sha256"] != _FOR_EVERYONE, row["created"], row["expires"])
