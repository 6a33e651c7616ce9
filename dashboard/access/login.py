"""The way through the identity provider and back to the page that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.auth_util import get_secrets_auth_section, validate_auth_credentials
from streamlit.errors import StreamlitAuthError, StreamlitSecretNotFoundError
from streamlit.user_info import generate_login_redirect_url

from dashboard.access.callers import person_of
from dashboard.frame import icon
from dashboard.resources import get_engine
from engine import Caller
from engine.errors import LoginNeeded

PATH = "/login"
COOKIE = "forelight_next"
_NO_STORE = {"cache-control": "no-store"}
_OPEN_BELOW = tuple(
    f"/{name}/" for name in ("auth", "api", "download", "report", "template", "image", "mask", "upload")
)
_OPEN = ("/login", "/oauth2callback", "/upload", "/healthz", "/readyz", "/metrics", "/trail.csv", "/_stcore/health")
_PAGE = Environment(loader=FileSystemLoader(Path(__file__).parents[1] / "brand"), autoescape=True).get_template(
    "login.html"
)
_SECONDS_OF_A_LOGIN = 900
_MOST_ADDRESS = 2_000


def providers() -> tuple[str, ...]:
    """The names of the identity providers in Streamlit's secrets; "default" is the one without a name."""
    section = get_secrets_auth_section()
    named = tuple(name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value)
    return named or (("default",) if "client_id" in section else ())


def why_no_secrets() -> str:
    """Why the file of secrets cannot be read; "" where it can, or is not there."""
    try:
        providers()
    except (OSError, StreamlitSecretNotFoundError) as error:  # the latter where it is no TOML
        return f".streamlit/secrets.toml cannot be read: {' '.join(str(error).split())}"
    return ""


def why_no_login() -> str:
    """What is missing for people to log in; "" where nothing is."""
    if unreadable := why_no_secrets():
        return unreadable
    found = providers()
    if not found:
        return (
            "FORELIGHT_LOGIN is set, and no identity provider is: .streamlit/secrets.toml needs [auth] with "
            "redirect_uri, cookie_secret, client_id, client_secret and server_metadata_url."
        )
    for name in found:
        try:
            validate_auth_credentials(name)
        except StreamlitAuthError as error:
            return f"FORELIGHT_LOGIN is set, and '{name}' cannot be used: {' '.join(str(error).split())}"
    return ""


def login_path(provider: str, wanted: str) -> str:
    """Where a person logs in, to come back to `wanted`, an address of this site."""
    return f"{PATH}?{urlencode({'provider': provider, 'next': wanted})}"


async def log_in(request: Request) -> Response:
    """Keeps in a cookie where the person wants to go, and sends them to the provider."""
    provider = request.query_params.get("provider", "")
    if not get_engine().settings.login or provider not in providers():
        return PlainTextResponse("There is nothing here.", 404)
    answer = RedirectResponse(generate_login_redirect_url(provider), 302, headers=_NO_STORE)
    wanted = _checked(request.query_params.get("next", ""))
    answer.set_cookie(
        COOKIE,
        wanted,
        max_age=_SECONDS_OF_A_LOGIN,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


class LoginWall:
    """ASGI middleware: with a login on, nobody reaches a page, a session or a file of the dashboard without one.

    Routes of our own check for themselves, as programs come with tokens. Who comes back from the provider is sent on to
    the page that was asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = get_engine().settings
        if scope["type"] not in ("http", "websocket") or not settings.login or _checks_itself(scope["path"]):
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        caller = person_of(asked.cookies, settings)
        if scope["type"] == "websocket":
            await (_refused if caller.role == "nobody" else self.app)(scope, receive, send)
            return
        if caller.role == "nobody":
            await _login_page(asked, caller)(scope, receive, send)
            return
        wanted = _checked(asked.cookies.get(COOKIE, ""))
        if scope["path"] != "/" or wanted == "/":
            await self.app(scope, receive, send)
            return
        answer = RedirectResponse(wanted, 302, headers=_NO_STORE)
        answer.delete_cookie(COOKIE)
        await answer(scope, receive, send)


def _checks_itself(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    """No session begins."""
    await receive()
    await send({"type": "websocket.close", "code": 4401})


def _login_page(asked: HTTPConnection, caller: Caller) -> Response:
    """The page that asks for a login; for what is no page, a sentence."""
    if "text/html" not in asked.headers.get("accept", ""):
        return PlainTextResponse(str(LoginNeeded()), 401, headers=_NO_STORE)
    wanted = asked.url.path + (f"?{asked.url.query}" if asked.url.query else "")
    ways = {("" if name == "default" else name.capitalize()): login_path(name, wanted) for name in providers()}
    return HTMLResponse(_PAGE.render(ways=ways, name=caller.name, icon=icon()), 401, headers=_NO_STORE)


def _checked(address: str) -> str:
    """The address where it is one of this site's, else the start; so that a login leads nowhere else."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    plain = address.isascii() and address.isprintable() and "\\" not in address and len(address) <= _MOST_ADDRESS
    return address if own and plain else "/"


LOGIN_ROUTES: tuple[BaseRoute, ...] = (Route(PATH, log_in, methods=["GET"]),)
