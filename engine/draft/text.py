"""A draft as card.yaml: what is known with its reason, what is open commented out with the question."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from engine.cards.card import ModelCard
from engine.draft.given import Draft, Question

_HEAD = "# Drafted by `python -m engine init`. Lines that begin with # are open: fill them in, and take the # away.\n"
_WIDTH = 110


def card_text(draft: Draft) -> str:
    """The card's text, keys in the order in which cards have them."""
    parts = [_HEAD]
    open_keys = [question.key for question in draft.questions]
    for key in dict.fromkeys((*_order(), *draft.card, *open_keys)):
        questions = [question for question in draft.questions if question.key == key]
        if key in draft.card:
            if key in draft.reasons:
                parts.append(f"# {draft.reasons[key]}\n")
            parts += [f"# still to say: {question.why}\n" for question in questions]
            parts.append(yaml.safe_dump({key: draft.card[key]}, sort_keys=False, allow_unicode=True, width=_WIDTH))
        else:
            parts += [_commented(question) for question in questions]
    return "".join(parts)


def _order() -> Sequence[str]:
    return list(ModelCard.model_fields)


def _commented(question: Question) -> str:
    example = question.example or (" or ".join(question.choices) if question.choices else "…")
    return f"# {question.why}\n# {question.key}: {example}\n"
