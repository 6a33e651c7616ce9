"""Every route × every role: who gets what, with a login and without; and another's run is as one that never was."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.runtime import Runtime
from streamlit.runtime.context import ContextProxy
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.web.server.starlette.starlette_app import create_streamlit_middleware, create_streamlit_routes
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dashboard.app import app as whole_app
from dashboard.leftovers import forget_sessions, trim
from dashboard.routes.fetching import EXCEPTION_HANDLERS
from dashboard.routes.receiving import MARK
from dashboard.v1.app import PATH
from engine import Caller, Engine, GuardedEngine, Options, Scope
from engine.settings import BUNDLED_MODELS
from tests.dashboard.conftest import sharing_engine
from tests.dashboard.people import HOST, ORIGIN, SECRET, believe, cookies, signed, visitor
from tests.dashboard.route_table import (
    API,
    PAGES,
    PEOPLE,
    ROLES,
    STREAMLIT,
    WITH_LOGIN,
    WITHOUT_LOGIN,
    expected,
    expected_of_streamlit,
)
from tests.dashboard.test_pages import MAIN, opened, words

OURS = dict([MARK])
NEVER = "a" * 26
MODEL = "notes"  # whose rows have a picture and a mask
BODIES: dict[str, object] = {
    "PUT /models/{model_id}/default": {"version": "99"},
    "POST /runs/{run_id}/by-version": {"version": "1"},
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
    settings = {"login": int(login), "hosts": HOST, "names": "testserver", "lake": f"lab={BUNDLED_MODELS / MODEL}"}
    with pytest.MonkeyPatch.context() as patch:
        believe(patch)
        with sharing_engine(tmp_path_factory.mktemp("home"), **settings) as shared:
            yield shared


@pytest.fixture(scope="module")
def runtime(engine: Engine) -> Iterator[Runtime]:
    """Streamlit's own part of the server; there is one in a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runtime, "_instance", None)
        yield whole_app._create_runtime()


@pytest.fixture(scope="module")
def site(runtime: Runtime) -> Iterator[TestClient]:
    """All routes of the dashboard, Streamlit's too, behind all its middleware."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await runtime.start()
        yield
        runtime.stop()

    app = Starlette(
        routes=[*whole_app._user_routes, *create_streamlit_routes(runtime)],
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[*whole_app._user_middleware, *create_streamlit_middleware()],
        lifespan=lifespan,
    )
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield client


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
    operator = GuardedEngine(engine, Caller(visitor(login, "host"), "host", HOST))

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
    """Every method and path that a route answers to."""
    for route in routes:
        if isinstance(route, Mount) and not route.routes:
            yield f"GET {before}{route.path}/*"  # files
        elif isinstance(route, Mount):
            yield from flat(route.routes, before + route.path)
        elif hasattr(route, "effective_route_contexts"):  # a part of the API
            yield from (
                f"{method} {before}{each.path}" for each in route.effective_route_contexts() for method in each.methods
            )
        elif isinstance(route, Route):
            yield from (f"{method} {before}{route.path}" for method in sorted(route.methods or ()) if method != "HEAD")
        elif isinstance(route, WebSocketRoute):
            yield f"WEBSOCKET {before}{route.path}"
        else:
            raise AssertionError(f"a kind of route that the table does not know: {route}")


def test_no_route_is_without_a_row(runtime: Runtime) -> None:
    assert set(WITH_LOGIN) == set(WITHOUT_LOGIN)
    every = {f"{name.partition(' ')[0]} {PATH}{name.partition(' ')[2]}" for name in API} | set(WITH_LOGIN)
    assert set(flat(whole_app._user_routes)) == every
    assert set(flat(create_streamlit_routes(runtime))) == set(STREAMLIT)


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
    places = {"run_id": run_id, "name": "x.csv", "model_id": MODEL, "share_id": NEVER, "suffix": "csv"}
    places |= {"row:row": "1", "row": "1", "rest:path": "nothing/at/all", "folder": "lab"}
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    path = path.replace("/*", "/swagger-ui.css")
    if path == "/login":
        query = {**query, "provider": "default"}
    if route in ("POST /uploads", "POST /models/{model_id}/runs", "POST /models/{model_id}/versions"):
        query = {**query, "name": "x.csv"}
    if route == "POST /lake/{folder}":
        query = {**query, "path": "card.yaml"}
    body = BODIES.get(route)
    answer = ask(site, method, f"{PATH}{path}" if route in API else path, own, {**OURS, **headers}, query, body)
    assert answer.status_code == expected(route, role, login=login, api=route in API), answer.text[:200]


@pytest.mark.parametrize("route", STREAMLIT)
def test_every_route_of_streamlits_for_every_role(
    site: TestClient, runtime: Runtime, login: bool, shown: dict, route: str
) -> None:
    storage = runtime.media_file_mgr._storage
    places = {"file_id:path": f"{storage.load_and_get_id(b'x', 'text/csv', MediaFileKind.DOWNLOADABLE)}.csv"}
    method, _, path = route.partition(" ")
    for name, value in {**places, "session_id": "a", "file_id": "b", "path:path": "inter-LICENSE.txt"}.items():
        path = path.replace(f"{{{name}}}", value)
    found = []
    for own, headers, query in (shown[role] for role in ROLES):
        if method == "WEBSOCKET":
            found.append(begun(site, path, own, headers))
        else:
            found.append(ask(site, method, path.replace("*", ""), own, headers, query).status_code)
    assert tuple(found) == expected_of_streamlit(route, login=login)


def begun(site: TestClient, path: str, own: dict[str, str], headers: dict[str, str]) -> int:
    """101 where a page's session begins, else 403."""
    site.cookies.clear()
    site.cookies.update(own)
    try:
        with site.websocket_connect(path, subprotocols=["streamlit"], headers={**headers}):
            return 101
    except WebSocketDisconnect:
        return 403


@pytest.mark.parametrize("path", ["/loginx", "/login/x", "/metrics/x", "/uploads", "/_stcore/health/x"])
def test_what_only_begins_as_an_open_route_does_is_behind_the_wall(site: TestClient, login: bool, path: str) -> None:
    assert ask(site, "GET", path, {}, {}, {}).status_code == (401 if login else 200)


def test_a_tab_that_was_closed_long_ago_is_forgotten(
    site: TestClient, runtime: Runtime, login: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anybody else coming, whose session would make Streamlit look."""
    assert begun(site, "/_stcore/stream", cookies(login, "owner"), {}) == 101
    storage = runtime._session_mgr._session_storage
    assert forget_sessions(runtime) == 0, "a network that was lost for a moment is back by then"
    assert storage.list()
    monkeypatch.setattr(storage._cache, "_timer", lambda: time.monotonic() + 3_600)
    assert forget_sessions(runtime) > 0
    assert not storage.list()
    trim()


def test_who_is_no_host_finds_no_figures(site: TestClient) -> None:
    """Not even that there are some."""
    nothing, hidden = (ask(site, "GET", path, {}, {}, {}) for path in ("/download/x", "/metrics"))
    assert nothing.status_code == hidden.status_code == 404
    assert nothing.content == hidden.content


@pytest.mark.parametrize("path", ["/download/{}/x.csv", "/report/{}", "/image/{}/1", "/mask/{}/1"])
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
        (("A" if good[0] != "A" else "B") + good[1:], 401),  # not the last sign, of which some bits mean nothing
        (create_signed_value("t" * 32, "_streamlit_user", json.dumps(told)).decode(), 401),
        (create_signed_value(SECRET, "another_cookie", json.dumps(told)).decode(), 401),
    ):
        answer = ask(site, "GET", f"/template/{MODEL}", {"_streamlit_user": value}, {}, {})
        assert answer.status_code == status


def test_no_page_is_without_a_row() -> None:
    assert {path.stem for path in (Path(MAIN).parent / "app_pages").glob("*.py")} == set(PAGES)


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_for_every_role(
    login: bool, run_id: str, shown: dict, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not login:
        pytest.skip("there are no roles among browsers elsewhere")
    own, _, query = shown[person]
    monkeypatch.setattr(ContextProxy, "cookies", own)
    app = opened()
    found = []
    for page in PAGES:
        try:
            app.switch_page(f"app_pages/{page}.py")
            app.query_params.update({**query, "run": run_id, "a": run_id})
            app.run()
        except ValueError:
            found.append("no such page")
            continue
        assert not app.exception
        found.append("no such run" if "There is no such run" in words(app) else "the page")
    assert ("You are no longer logged in" in words(app)) == (person == "nobody")
    assert dict(zip(PAGES, found, strict=True)) == {page: row[PEOPLE.index(person)] for page, row in PAGES.items()}


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
