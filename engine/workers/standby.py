"""What workers do so that nobody waits for them later; see `engine.workers.work`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.settings import Settings

_Result = tuple[Mapping[str, Any], bytes]


def answer(desk: object, settings: Settings, talk: object) -> _Result:
    """Nothing, at once: whoever gets it knows that the worker works."""
    return {}, b""


def warm_up(desk: object, settings: Settings, talk: object) -> _Result:
    """Loads what predicting needs, before rows wait for it."""
    import engine.prediction.predictor  # noqa: F401  # imports torch

    return {}, b""


def prepare(desk: object, settings: Settings, talk: object) -> _Result:
    """Loads what judging needs, before somebody waits for it."""
    import engine.evaluation.judging  # noqa: F401  # imports torch

    return {}, b""
