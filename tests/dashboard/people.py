"""Whom the tests of routes and pages know, as their browsers show themselves: by a number, or by a signed login."""

from __future__ import annotations

import hashlib
import json

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

import dashboard.access.callers
import dashboard.access.login
from dashboard.access.visitors import COOKIE

SECRET, ORIGIN = "s" * 32, "http://testserver"
HOST = "host@example.org"


def believe(patch: pytest.MonkeyPatch) -> None:
    """Lets the dashboard take those logins for its identity provider's."""
    patch.setattr(dashboard.access.callers, "get_cookie_secret", lambda: SECRET)
    patch.setattr(dashboard.access.callers, "get_origin_from_redirect_uri", lambda: ORIGIN)
    patch.setattr(dashboard.access.login, "providers", lambda: ("default",))
    patch.setattr(dashboard.access.login, "generate_login_redirect_url", lambda provider: "/auth/login?provider=x")


def visitor(login: bool, name: str) -> str:
    """Whose the runs of that person are."""
    if not login:
        return hashlib.sha256(name.encode()).hexdigest()[:22]
    return hashlib.sha256(f"https://provider|default|{name}".encode()).hexdigest()[:32]


def cookies(login: bool, name: str) -> dict[str, str]:
    """What the browser of that person sends."""
    if not login:
        return {COOKIE: visitor(login, name)}
    told = {"iss": "https://provider", "sub": name, "email": f"{name}@example.org", "email_verified": True}
    return {"_streamlit_user": signed({**told, "origin": ORIGIN, "is_logged_in": True, "provider": "default"})}


def signed(told: dict[str, object]) -> str:
    return create_signed_value(SECRET, "_streamlit_user", json.dumps(told)).decode()
