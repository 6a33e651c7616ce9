"""Parts of a run's page that run again alone: the page above them, which asks who looks, does not run again then."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from dashboard.access.callers import this_engine
from engine import GuardedEngine, Results
from engine.errors import LoginNeeded, RunNotFound

_P = ParamSpec("_P")


def fragment_of_run(part: Callable[_P, None]) -> Callable[_P, None]:
    """The part as a fragment, which shows nothing of a run that is not shared any more; the page says so then."""
    return st.fragment(while_seen(part))


def fragment_as_asked(part: Callable[Concatenate[GuardedEngine, _P], None]) -> Callable[_P, None]:
    """The part as such a fragment, given the engine as who looks may use it by then, not when the page was drawn."""
    return st.fragment(as_asked(part))


def as_asked(part: Callable[Concatenate[GuardedEngine, _P], None]) -> Callable[_P, None]:
    """The part without its first argument, the engine of who looks; as long as they may see what it is about."""

    @wraps(part)
    def asked(*arguments: _P.args, **named: _P.kwargs) -> None:
        part(this_engine(), *arguments, **named)

    return while_seen(asked)


def while_seen(part: Callable[_P, None]) -> Callable[_P, None]:
    """The part, as long as who looks may see the run: its results are among its arguments, or what judges them is."""

    @wraps(part)
    def seen(*arguments: _P.args, **named: _P.kwargs) -> None:
        if _are_seen((*arguments, *named.values())):
            part(*arguments, **named)
        else:
            st.rerun()

    return seen


def _are_seen(arguments: tuple[object, ...]) -> bool:
    """Whether who looks may see the runs of these by now, and is somebody."""
    found = [each if isinstance(each, Results) else getattr(each, "results", None) for each in arguments]
    asked = [each.asked for each in found if isinstance(each, Results)]
    engine = this_engine()
    if engine.caller.role == "nobody":
        return False
    try:
        for run in (run for each in asked for run in (each.run, each.other) if run is not None):
            engine.run(run.id)
    except (LoginNeeded, RunNotFound):
        return False
    return True
