"""Ids that nobody guesses: of runs, uploads, tokens and shares."""

from __future__ import annotations

import re
import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SIGNS = 26
_ID = re.compile(rf"[{_ALPHABET}]{{{_SIGNS}}}")


def new_id() -> str:
    """130 random bits, in small letters and digits that go into any address and file name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SIGNS))


def is_id(text: str) -> bool:
    """Whether the text is such an id."""
    return _ID.fullmatch(text) is not None
