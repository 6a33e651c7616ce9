"""One card on its way: what is known so far, why, and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draft.given import Draft, Given, Question


class Drafting:
    """Collects a draft, key by key."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.card: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        self.questions: list[Question] = []
        self.kept: Mapping[str, Any] = {}
        """The hyper-parameters of module and data that the checkpoint holds."""

    def know(self, key: str, value: Any, reason: str = "") -> None:
        self.card[key] = value
        if reason:
            self.reasons[key] = reason

    def ask(self, key: str, why: str, **more: Any) -> None:
        self.questions.append(Question(key, why, **more))

    def done(self) -> Draft:
        return Draft(self.card, self.reasons, tuple(self.questions))
