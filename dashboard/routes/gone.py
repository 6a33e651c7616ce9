"""Runs that are deleted while somebody reads them: whatever fails then, fails for that."""

from __future__ import annotations

from starlette.requests import Request

from dashboard.resources import gone
from engine.errors import RunNotFound


def gone_meanwhile(request: Request) -> RunNotFound | None:
    """What to say where the run that the address names is not there, or not any more; None where it is."""
    run_id = request.path_params.get("run_id")
    return gone(run_id) if isinstance(run_id, str) else None
