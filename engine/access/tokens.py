"""API tokens: made once, shown once, kept as a hash, good for what they were made for until they expire."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.access.caller import ALL_SCOPES, Caller, Role, Scope
from engine.access.secret import hash_of, in_days, new_secret, now
from engine.errors import NotAllowed
from engine.ids import new_id
from engine.runs.database import Database
from engine.runs.tables import tokens

PREFIX = "forelight_"
_MOST_NAME = 100
_MOST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token once it was shown. Times are ISO 8601 in UTC; `used` is "" for never, to the day."""

    id: str
    name: str
    visitor: str
    visitor_name: str
    scopes: tuple[Scope, ...]
    created: str
    expires: str
    used: str


class Tokens:
    """The tokens of all visitors. Raises StoreError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, caller: Caller, name: str, scopes: Collection[Scope], days: float) -> tuple[Token, str]:
        """(the token, the words to show once). NotAllowed where the caller may less than the token would."""
        wanted = tuple(scope for scope in sorted(ALL_SCOPES) if scope in scopes)
        if not wanted or len(wanted) != len(set(scopes)):
            raise NotAllowed(f"A token needs one or more of these scopes: {', '.join(sorted(ALL_SCOPES))}.")
        if not set(wanted) <= caller.scopes or ("operate" in wanted and not caller.operates):
            raise NotAllowed("A token cannot do more than who makes it.")
        words = new_secret(PREFIX)
        values = {
            "id": new_id(),
            "name": name.strip()[:_MOST_NAME] or "token",
            "visitor": caller.visitor,
            "visitor_name": caller.name,
            "scopes": list(wanted),
            "created": now(),
            "expires": in_days(days),
            "used": "",
        }
        with self._database.speaking("written") as connection:
            connection.execute(sa.insert(tokens).values(token_sha256=hash_of(words), **values))
        return _token(values), words

    def caller(self, words: str) -> Caller | None:
        """Who shows that token; None where it is unknown, revoked or expired."""
        if not words.startswith(PREFIX) or len(words) > _MOST_TEXT:
            return None
        asked = sa.select(tokens).where(tokens.c.token_sha256 == hash_of(words), tokens.c.expires > now())
        with self._database.speaking("read") as connection:
            row = connection.execute(asked).mappings().first()
        if row is None:
            return None
        token, today = _token(row), now()[:10]
        if token.used != today:
            with self._database.speaking("written") as connection:
                connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(used=today))
        role: Role = "host" if "operate" in token.scopes else "visitor"
        return Caller(token.visitor, role, token.visitor_name, frozenset(token.scopes))

    def of(self, visitor: str | None) -> tuple[Token, ...]:
        """The tokens of that visitor, of all where None, the newest first; expired ones are gone."""
        asked = sa.select(tokens).where(tokens.c.expires > now()).order_by(tokens.c.created.desc())
        if visitor is not None:
            asked = asked.where(tokens.c.visitor == visitor)
        with self._database.speaking("read") as connection:
            return tuple(_token(row) for row in connection.execute(asked).mappings())

    def revoke(self, token_id: str, visitor: str | None) -> bool:
        """Whether there was such a token of that visitor's (of anybody's where None); it opens nothing any more."""
        asked = sa.delete(tokens).where(tokens.c.id == token_id)
        if visitor is not None:
            asked = asked.where(tokens.c.visitor == visitor)
        with self._database.speaking("written") as connection:
            return bool(connection.execute(asked).rowcount)

    def sweep(self) -> None:
        """Forgets what has expired."""
        with self._database.speaking("written") as connection:
            connection.execute(sa.delete(tokens).where(tokens.c.expires <= now()))


def _token(row: Mapping[Any, Any]) -> Token:
    scopes: tuple[Scope, ...] = tuple(row["scopes"])
    names = ("id", "name", "visitor", "visitor_name", "created", "expires", "used")
    return Token(scopes=scopes, **{name: row[name] for name in names})
