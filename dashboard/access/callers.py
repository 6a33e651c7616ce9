"""Who asks a page or a route: a browser by its cookie, a person who logged in, a program by its token."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard.access.visitors import this_visitor, visitor_of
from dashboard.resources import get_engine
from engine import Caller, GuardedEngine, Role, Settings

KEY = "key"
LOCAL = "local"
_NOBODY = Caller("", "nobody")
_BEARER = "bearer "
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_MOST_KEY = 200


def guarded(request: HTTPConnection) -> GuardedEngine:
    """The engine as whoever asks this route may use it."""
    return GuardedEngine(get_engine(), caller_of(request))


def this_engine() -> GuardedEngine:
    """The engine as whoever looks at this page may use it."""
    return GuardedEngine(get_engine(), this_caller())


def keyed(path: str) -> str:
    """The address of a route, with the key of the share link that this page was opened by."""
    key = st.query_params.get(KEY, "")
    return f"{path}{'&' if '?' in path else '?'}{urlencode({KEY: key})}" if key else path


def caller_of(request: HTTPConnection) -> Caller:
    """Who asks a route. A token counts alone, even a wrong one; a cookie is for browsers."""
    engine = get_engine()
    keys = key_of(request)
    authorization = request.headers.get("authorization", "")
    if authorization:
        token = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
        tokens, _, audit = engine.access()
        found = tokens.caller(token)
        if found is None:
            audit.did_often(_NOBODY, "showed a wrong token")
            return _NOBODY
        return replace(_by_now(found, engine.settings), keys=keys)
    if engine.settings.login:
        return person_of(request.cookies, engine.settings, keys)
    return Caller(visitor_of(request), keys=keys)


def operator_of(request: HTTPConnection) -> Caller:
    """Who asks a route that is for hosts: as `caller_of`; without a login, who sits at the server's own machine too."""
    if not get_engine().settings.login and not request.headers.get("authorization") and is_program_here(request):
        return Caller(visitor_of(request) or LOCAL, "host")
    return caller_of(request)


def is_program_here(request: HTTPConnection) -> bool:
    """Whether a program on the server's own machine asks, or a page of this site; no other site's page in a browser."""
    site = request.headers.get("sec-fetch-site", "none")
    address = request.client.host if request.client else None
    return site in ("none", "same-origin") and at_this_machine(dict(request.headers), address)


def key_of(request: HTTPConnection) -> frozenset[str]:
    """The key of a share link that the request shows."""
    return _keys(request.query_params.get(KEY, ""))


def this_caller() -> Caller:
    """Who looks at the page. Without a login, who sits at the server's own machine is its host."""
    settings = get_engine().settings
    keys = _keys(st.query_params.get(KEY, ""))
    if settings.login:
        return person_of(st.context.cookies, settings, keys)
    role: Role = "host" if at_this_machine(*_asked(), page=True) else "visitor"
    return Caller(this_visitor(), role, keys=keys)


def person_of(cookies: Mapping[str, str], settings: Settings, keys: frozenset[str] = frozenset()) -> Caller:
    """Who logged in with these cookies, as Streamlit signed them; nobody where they are forged, old, or not let in."""
    told = _told(cookies, settings.login_days)
    if not told or not told.get("is_logged_in") or told.get("origin") != get_origin_from_redirect_uri():
        return _NOBODY
    subject = str(told.get("sub") or "")
    if not subject:
        return _NOBODY
    mail = str(told.get("email") or "").casefold()
    trusted = mail if told.get("email_verified") is True else ""
    name = mail or str(told.get("name") or subject)
    visitor = hashlib.sha256(f"{told.get('iss', '')}|{told.get('provider', '')}|{subject}".encode()).hexdigest()[:32]
    role = _role(told, trusted, settings)
    return Caller(visitor if role != "nobody" else "", role, name, keys=keys)


def _told(cookies: Mapping[str, str], days: float) -> dict[str, Any]:
    """What the identity provider said of the person, where the cookie is Streamlit's own and not too old."""
    secret = get_cookie_secret()

    def one(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value, max_age_days=days) if value else None

    content = get_cookie_with_chunks(one, USER_COOKIE_NAME)
    try:
        told = json.loads(content) if content else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _role(told: Mapping[str, Any], mail: str, settings: Settings) -> Role:
    """By a verified e-mail, or by a claim of the provider's."""
    claim, _, wanted = settings.host_claim.partition(":")
    held = told.get(claim) if claim else None
    values = held if isinstance(held, list) else [held]
    if (mail and mail in settings.hosts) or (wanted and wanted in map(str, values)):
        return "host"
    return "visitor" if _is_let_in(mail, settings) else "nobody"


def _by_now(made: Caller, settings: Settings) -> Caller:
    """The token's caller without what a person of that name may no longer do: they may have left since it was made.

    Who is a host by a claim of the provider's is not known by their name.
    """
    if not settings.login or settings.host_claim or made.name in settings.hosts:
        return made
    if not _is_let_in(made.name, settings):
        return _NOBODY
    return replace(made, role="visitor", scopes=made.scopes - {"operate"})


def _is_let_in(mail: str, settings: Settings) -> bool:
    domain = mail[mail.rfind("@") :] if "@" in mail else ""
    return not settings.visitors or bool(mail and (mail in settings.visitors or domain in settings.visitors))


def _keys(key: str) -> frozenset[str]:
    return frozenset((key,)) if 0 < len(key) <= _MOST_KEY else frozenset()


def _asked() -> tuple[Mapping[str, str], str | None]:
    """(headers, address) of the browser's connection; Streamlit says None for the machine's own address."""
    headers = {name.lower(): value for name, value in st.context.headers.items()}
    return headers, st.context.ip_address or "localhost"


def at_this_machine(headers: Mapping[str, str], address: str | None, *, page: bool = False) -> bool:
    """Whether the server's own machine asks, and nothing stands in between. A page's connection says its origin too."""
    if any(name in headers for name in _FORWARDED) or not is_loopback(address or ""):
        return False
    host = headers.get("host", "")
    origin = headers.get("origin", "" if page else f"http://{host}").rpartition("://")[2]
    return is_loopback(host_in(host)) and origin == host  # another program's page here is another site


def host_in(text: str) -> str:
    """The host of `host:port`, without the brackets of an IPv6 address."""
    name, colon, port = text.rpartition(":")
    return (name if colon and port.isdecimal() else text).strip("[]")


def is_loopback(name: str) -> bool:
    """Whether only this machine reaches that address."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
