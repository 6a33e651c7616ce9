"""Runs that are deleted while somebody reads them: whatever fails then, fails for that."""

from __future__ import annotations

from starlette.requests import Request

from dashboard.resources import get_engine
from engine.errors import RunNotFound


def gone_meanwhile(request: Request) -> RunNotFound | None:
    """What to say where the run that the address names is not there, or not any more; None where it is."""
    run_id = request.path_params.get("run_id")
    if not isinstance(run_id, str):
        return None
    try:
        get_engine().owner_of(run_id)
    except RunNotFound as error:
        return error
    except Exception:  # as what failed before, which has its incident
        return None
    return None
