"""Random words that let somebody in, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

_BYTES = 32


def new_secret(prefix: str) -> str:
    """A word of 256 random bits, whose prefix says to a person, and to scanners of source code, what it is."""
    return f"{prefix}{secrets.token_urlsafe(_BYTES)}"


def hash_of(secret: str) -> str:
    """SHA-256 of the word. It is as long as the hash and random, so it needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> str:
    """This moment, ISO 8601 in UTC: such texts sort as time does."""
    return datetime.now(UTC).isoformat()


def in_days(days: float) -> str:
    """The moment so many days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
