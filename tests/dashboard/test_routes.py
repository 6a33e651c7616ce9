"""Every route × every role: who gets what, with a login and without; and another's run is as one that never was."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

import dashboard.callers
import dashboard.login
from dashboard.api import EXCEPTION_HANDLERS, ROUTES
from dashboard.login import LOGIN_ROUTES, LoginWall
from dashboard.receiving import MARK
from dashboard.resources import get_engine
from dashboard.visitors import COOKIE, Visitors
from engine import Caller, Engine, GuardedEngine, Options, Scope
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

SECRET, ORIGIN = "s" * 32, "http://testserver"
OURS = dict([MARK])
NEVER = "a" * 26
PREFIX = "forelight_"
ROLES = ("nobody", "owner", "another", "with key", "host", "models token", "read token", "run token", "expired token")
# What each role is answered with a login, in the order of ROLES; the tokens are the owner's.
WITH_LOGIN: dict[str, tuple[int, ...]] = {
    "GET /download/{run_id}/{name}": (401, 200, 404, 200, 200, 403, 200, 403, 401),
    "GET /report/{run_id}": (401, 200, 404, 200, 200, 403, 200, 403, 401),
    "GET /image/{run_id}/{row:int}": (401, 200, 404, 200, 200, 403, 200, 403, 401),
    "GET /template/{model_id}": (401, 200, 200, 200, 200, 200, 403, 403, 401),
    "GET /upload": (403, 204, 204, 204, 204, 403, 403, 204, 403),
    "POST /upload": (403, 200, 200, 200, 200, 403, 403, 200, 403),
    "DELETE /upload/{upload_id}": (403, 204, 404, 404, 404, 403, 403, 204, 403),
    "GET /login": (302, 302, 302, 302, 302, 302, 302, 302, 302),
}
# Without one, whoever has a run's address sees it; there is no nobody, and no host among browsers elsewhere.
WITHOUT_LOGIN: dict[str, tuple[int, ...]] = {
    **{name: (200, 200, 200, 200, 200, 403, 200, 403, 401) for name in WITH_LOGIN if "run_id" in name},
    "GET /template/{model_id}": (200, 200, 200, 200, 200, 200, 403, 403, 401),
    "GET /upload": (403, 204, 204, 204, 204, 403, 403, 204, 403),
    "POST /upload": (403, 200, 200, 200, 200, 403, 403, 200, 403),
    "DELETE /upload/{upload_id}": (403, 204, 404, 404, 404, 403, 403, 204, 403),
    "GET /login": (404,) * 9,
}
ELSEWHERE = ("/{rest:path}", "/upload/{rest:path}")  # 404 for all
MODEL = "digits"


@pytest.fixture(scope="module", params=[True, False], ids=["with login", "without login"])
def login(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, login: bool) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORELIGHT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("FORELIGHT_MODELS", str(BUNDLED_MODELS))
        patch.setenv("FORELIGHT_ACCELERATOR", "cpu")
        patch.setenv("FORELIGHT_LOGIN", str(int(login)))
        patch.setenv("FORELIGHT_HOSTS", "host@example.org")
        patch.setattr("dashboard.resources.Engine", open_engine)
        patch.setattr(dashboard.callers, "get_cookie_secret", lambda: SECRET)
        patch.setattr(dashboard.callers, "get_origin_from_redirect_uri", lambda: ORIGIN)
        patch.setattr(dashboard.login, "providers", lambda: ("default",))
        patch.setattr(dashboard.login, "generate_login_redirect_url", lambda provider: "/auth/login?provider=x")
        get_engine.clear()
        made = get_engine()
        yield made
        made.close()
        get_engine.clear()


@pytest.fixture(scope="module")
def site(engine: Engine) -> Iterator[TestClient]:
    """The routes behind the same wall as in the dashboard."""
    app = Starlette(
        routes=[*ROUTES, *LOGIN_ROUTES],
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[Middleware(Visitors), Middleware(LoginWall)],
    )
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield client


def visitor(login: bool, name: str) -> str:
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


@pytest.fixture(scope="module")
def run_id(engine: Engine, login: bool) -> str:
    """A finished run of the owner's, with pictures."""
    owner = GuardedEngine(engine, Caller(visitor(login, "owner")))
    title = owner.samples(MODEL)[0].title
    run = owner.check(MODEL, owner.sample_sources(MODEL, title), keep_files=True)
    owner.submit(run.id, Options(on_error="report"))
    assert owner.wait(run.id).state == "done"
    return run.id


@pytest.fixture(scope="module")
def shown(engine: Engine, login: bool, run_id: str) -> dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]]:
    """(cookies, headers, query) that each role comes with."""
    owner = GuardedEngine(engine, Caller(visitor(login, "owner")))
    _, key = owner.share_link(run_id)
    host = cookies(login, "host")

    def token(scope: Scope, days: float = 1.0) -> dict[str, str]:
        return {"authorization": f"Bearer {owner.make_token('t', [scope], days)[1]}"}

    return {
        "nobody": ({}, {}, {}),
        "owner": (cookies(login, "owner"), {}, {}),
        "another": (cookies(login, "another"), {}, {}),
        "with key": (cookies(login, "another"), {}, {"key": key}),
        "host": (host, {}, {}),
        "models token": ({}, token("models"), {}),
        "read token": ({}, token("read"), {}),
        "run token": ({}, token("run"), {}),
        "expired token": (
            cookies(login, "owner"),
            {"authorization": f"Bearer forelight_{secrets.token_urlsafe(32)}"},
            {},
        ),
    }


def flat(routes: tuple[BaseRoute, ...], before: str = "") -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from flat(tuple(route.routes), before + route.path)
        elif isinstance(route, Route):
            path = before + route.path
            if path.removeprefix(before) not in ELSEWHERE and path not in ELSEWHERE:
                yield from (f"{method} {path}" for method in sorted(route.methods or ()) if method != "HEAD")


def test_no_route_is_without_a_row() -> None:
    found = set(flat((*ROUTES, *LOGIN_ROUTES)))
    assert found == set(WITH_LOGIN) == set(WITHOUT_LOGIN)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", WITH_LOGIN)
def test_every_route_for_every_role(
    site: TestClient, engine: Engine, login: bool, run_id: str, shown: dict, route: str, role: str
) -> None:
    expected = (WITH_LOGIN if login else WITHOUT_LOGIN)[route][ROLES.index(role)]
    own, headers, query = shown[role]
    method, _, path = route.partition(" ")
    if "{upload_id}" in path:
        with engine.uploads.begin(visitor(login, "owner"), "x.csv", 1) as coming:
            coming.write(b"x")
            path = path.replace("{upload_id}", coming.finish().id)
    places = {"run_id": run_id, "name": "x.csv", "row:int": "1", "model_id": MODEL}
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    if path == "/login":
        query = {**query, "provider": "default"}
    answer = ask(site, method, path, own, {**OURS, **headers}, query)
    assert answer.status_code == expected, answer.text[:200]


@pytest.mark.parametrize("path", ["/download/{}/x.csv", "/report/{}", "/image/{}/1"])
def test_anothers_run_is_as_one_that_never_was(site: TestClient, login: bool, run_id: str, path: str) -> None:
    if not login:
        pytest.skip("without a login whoever has the address sees the run")
    own = cookies(login, "another")
    theirs, never = (ask(site, "GET", path.format(each), own, {}, {}) for each in (run_id, NEVER))
    assert theirs.status_code == never.status_code == 404
    assert theirs.content.replace(run_id.encode(), b"") == never.content.replace(NEVER.encode(), b"")
    assert set(theirs.headers) == set(never.headers)


def test_a_cookie_of_another_site_or_an_old_one_is_none(site: TestClient, login: bool) -> None:
    if not login:
        pytest.skip("there is a login only with one")
    told = {"iss": "x", "sub": "owner", "is_logged_in": True, "origin": ORIGIN}
    good = signed(told)
    for value, status in (
        (good, 200),
        (signed({**told, "origin": "https://elsewhere.example"}), 401),
        (signed({**told, "is_logged_in": False}), 401),
        (signed({**told, "sub": ""}), 401),
        (good[:-1] + ("A" if good[-1] != "A" else "B"), 401),
        (create_signed_value("t" * 32, "_streamlit_user", json.dumps(told)).decode(), 401),
        (create_signed_value(SECRET, "another_cookie", json.dumps(told)).decode(), 401),
    ):
        answer = ask(site, "GET", f"/template/{MODEL}", {"_streamlit_user": value}, {}, {})
        assert answer.status_code == status


def test_pages_wait_behind_the_wall(site: TestClient, login: bool) -> None:
    for path in ("/", "/runs", "/_stcore/host-config", "/static/x.js"):
        status = ask(site, "GET", path, {}, {"accept": "text/html"}, {}).status_code
        assert status == (401 if login else 404), "behind the wall there is nothing in this test"


def ask(site: TestClient, method: str, path: str, own: dict[str, str], headers: dict[str, str], query: dict[str, str]):  # type: ignore[no-untyped-def]
    site.cookies.clear()
    for name, value in own.items():
        site.cookies.set(name, value)
    return site.request(method, path, headers=headers, params=query)
