"""Every route × every role: who gets what, with a login and without; and another's run is as one that never was."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

import dashboard.callers
import dashboard.login
from dashboard.api import EXCEPTION_HANDLERS
from dashboard.app import app as whole_app
from dashboard.login import LoginWall
from dashboard.receiving import MARK
from dashboard.resources import get_engine
from dashboard.v1.app import PATH
from dashboard.visitors import COOKIE, Visitors
from engine import Caller, Engine, GuardedEngine, Options, Scope
from engine.settings import BUNDLED_MODELS
from tests.dashboard.route_table import API, ROLES, WITH_LOGIN, WITHOUT_LOGIN, expected
from tests.pool import open_engine

SECRET, ORIGIN = "s" * 32, "http://testserver"
OURS = dict([MARK])
NEVER = "a" * 26
PREFIX = "forelight_"
ELSEWHERE = ("/{rest:path}", "/upload/{rest:path}", "/api/{rest:path}")  # 404 for all
MODEL = "digits"
BODIES: dict[str, object] = {
    "POST /models/{model_id}/predictions": {"rows": [{"a": 1}]},
    "POST /runs": {"model": MODEL, "uploads": [NEVER]},
    "PATCH /runs/{run_id}": {"note": "seen"},
    "POST /runs/{run_id}/start": {},
    "POST /runs/{run_id}/shares": {"days": 1},
}


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
        routes=list(whole_app._user_routes),
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

    another = GuardedEngine(engine, Caller(visitor(login, "another")))
    operator = GuardedEngine(engine, Caller(visitor(login, "host"), "host"))

    def token(*scopes: Scope, of: GuardedEngine = owner) -> dict[str, str]:
        return {"authorization": f"Bearer {of.make_token('t', scopes, 1.0)[1]}"}

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
        "operate token": ({}, token("operate", of=operator), {}),
        "another's token": ({}, token("models", "read", "run", of=another), {}),
    }


def flat(routes: Iterable[BaseRoute], before: str = "") -> Iterator[str]:
    """Every method and path that a route of ours answers to."""
    for route in routes:
        if isinstance(route, Mount) and isinstance(route.app, StaticFiles):
            continue  # the scripts of the API's page
        if isinstance(route, Mount):
            yield from flat(route.routes, before + route.path)
        elif hasattr(route, "effective_route_contexts"):  # a part of the API
            yield from (
                f"{method} {before}{each.path}" for each in route.effective_route_contexts() for method in each.methods
            )
        elif isinstance(route, Route):
            path = before + route.path
            if path.removeprefix(before) not in ELSEWHERE and path not in ELSEWHERE:
                yield from (f"{method} {path}" for method in sorted(route.methods or ()) if method != "HEAD")


def test_no_route_is_without_a_row() -> None:
    assert set(WITH_LOGIN) == set(WITHOUT_LOGIN)
    every = {f"{name.partition(' ')[0]} {PATH}{name.partition(' ')[2]}" for name in API} | set(WITH_LOGIN)
    assert set(flat(whole_app._user_routes)) == every


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [*WITH_LOGIN, *API])
def test_every_route_for_every_role(
    site: TestClient, engine: Engine, login: bool, run_id: str, shown: dict, route: str, role: str
) -> None:
    own, headers, query = shown[role]
    method, _, path = route.partition(" ")
    if "{upload_id}" in path:
        with engine.uploads.begin(visitor(login, "owner"), "x.csv", 1) as coming:
            coming.write(b"x")
            path = path.replace("{upload_id}", coming.finish().id)
    if route == "DELETE /runs/{run_id}":
        run_id = engine.again(run_id).id
    places = {"run_id": run_id, "name": "x.csv", "row:int": "1", "model_id": MODEL, "share_id": NEVER, "suffix": "csv"}
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    if path == "/login":
        query = {**query, "provider": "default"}
    if route in ("POST /uploads", "POST /models/{model_id}/runs"):
        query = {**query, "name": "x.csv"}
    body = BODIES.get(route)
    answer = ask(site, method, f"{PATH}{path}" if route in API else path, own, {**OURS, **headers}, query, body)
    assert answer.status_code == expected(route, role, login=login, api=route in API), answer.text[:200]


def test_who_is_no_host_finds_no_figures(site: TestClient) -> None:
    """Not even that there are some."""
    nothing, hidden = (ask(site, "GET", path, {}, {}, {}) for path in ("/download/x", "/metrics"))
    assert nothing.status_code == hidden.status_code == 404
    assert nothing.content == hidden.content


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


def ask(  # type: ignore[no-untyped-def]
    site: TestClient,
    method: str,
    path: str,
    own: dict[str, str],
    headers: dict[str, str],
    query: dict[str, str],
    body: object = None,
):
    site.cookies.clear()
    for name, value in own.items():
        site.cookies.set(name, value)
    return site.request(method, path, headers=headers, params=query, json=body)
