"""Who asks the API: a token's caller; without a login, a program on the server's own machine too."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from dashboard.access.callers import LOCAL, caller_of, is_program_here, key_of
from dashboard.resources import get_engine
from engine import Caller, GuardedEngine

_KNOWN = "forelight.asked"  # a token is looked up once a request
_scheme = HTTPBearer(auto_error=False, description="An API token, made on the page 'API tokens'.")


def asked_engine(request: Request, _: Annotated[object, Depends(_scheme)] = None) -> GuardedEngine:
    """The engine as whoever asks may use it. Cookies count for nothing here: no other site's page can ask."""
    known: GuardedEngine | None = request.scope.get(_KNOWN)
    if known is None:
        known = request.scope[_KNOWN] = asked_again(request)
    return known


def asked_again(request: Request) -> GuardedEngine:
    """The same as it is by now: a token may have been revoked while an answer goes on."""
    engine = get_engine()
    keys = key_of(request)
    if request.headers.get("authorization"):
        return GuardedEngine(engine, caller_of(request))
    if not engine.settings.login and is_program_here(request):
        return GuardedEngine(engine, Caller(LOCAL, keys=keys))
    return GuardedEngine(engine, Caller("", "nobody"))


Asked = Annotated[GuardedEngine, Depends(asked_engine)]
