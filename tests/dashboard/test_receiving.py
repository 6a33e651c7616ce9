"""Uploads over HTTP: what comes lies on disk, hashed; what may not come is a sentence and leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from dashboard.access.visitors import COOKIE
from dashboard.app import app as whole_app
from dashboard.resources import get_engine
from dashboard.routes.fetching import EXCEPTION_HANDLERS, ROUTES
from dashboard.routes.receiving import MARK, receive
from engine import Engine
from engine.errors import DiskFull
from engine.uploads import Receiving
from tests.awaiting import awaited

OURS = dict([MARK])
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@pytest.fixture
def visitor() -> str:
    return secrets.token_urlsafe(16)


@pytest.fixture
def client(shared_engine: Engine, visitor: str) -> Iterator[TestClient]:
    """A browser that was here before, on a page of ours."""
    app = Starlette(routes=ROUTES, exception_handlers=EXCEPTION_HANDLERS)
    with TestClient(app, cookies={COOKIE: visitor}, headers=OURS) as client:
        yield client


def files(engine: Engine) -> int:
    """How many files lie in the uploads' folder, whole or not."""
    found = engine.settings.uploads_folder.rglob("*")
    return sum(1 for path in found if path.is_file() and path.suffix not in (".lock", ".json"))


@pytest.mark.parametrize("octets", [0, 1, 2 * 2**20, 5 * 2**20 + 1])
def test_a_file_comes(client: TestClient, shared_engine: Engine, visitor: str, octets: int) -> None:
    content = secrets.token_bytes(octets)
    answer = client.post("/upload", params={"name": "ordner/größe & mehr.csv"}, content=content)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    found = shared_engine.uploads.get(visitor, answer.json()["id"])
    assert found.path.read_bytes() == content
    assert answer.json() == {
        "id": found.id,
        "name": "ordner/größe & mehr.csv",
        "size": octets,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_a_file_of_unknown_length_comes(client: TestClient, shared_engine: Engine, visitor: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"a,b\n", b"1,2\n")

    answer = client.post("/upload?name=x.csv", content=pieces())
    assert shared_engine.uploads.get(visitor, answer.json()["id"]).size == 8


def test_a_file_is_removed_once_and_by_its_visitor_only(client: TestClient, shared_engine: Engine) -> None:
    upload_id = client.post("/upload?name=x.csv", content=b"x").json()["id"]
    other = {"cookie": f"{COOKIE}={secrets.token_urlsafe(16)}"}
    client.cookies.clear()
    assert client.delete(f"/upload/{upload_id}", headers=other).status_code == 404
    assert files(shared_engine) == 1

    mine = {"cookie": f"{COOKIE}={VISITOR}"}
    upload_id = client.post("/upload?name=x.csv", content=b"x", headers=mine).json()["id"]
    assert client.delete(f"/upload/{upload_id}", headers=mine).status_code == 204
    again = client.delete(f"/upload/{upload_id}", headers=mine)
    assert (again.status_code, files(shared_engine)) == (404, 1)
    assert "no longer here" in again.json()["error"]


VISITOR = secrets.token_urlsafe(16)


@pytest.mark.parametrize(
    "headers",
    [
        {MARK[0]: ""},
        {MARK[0]: "XMLHttpRequest"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://testserver:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://testserver"},
        {"sec-fetch-site": "none"},
    ],
)
def test_other_sites_send_nothing(client: TestClient, shared_engine: Engine, headers: dict[str, str]) -> None:
    kept = client.post("/upload?name=x.csv", content=b"x").json()["id"]
    for answer in (
        client.post("/upload?name=x.csv", content=b"x", headers=headers),
        client.get("/upload?size=1", headers=headers),
        client.delete(f"/upload/{kept}", headers=headers),
    ):
        assert answer.status_code == 403
        assert "this site's own pages" in answer.json()["error"]
    assert files(shared_engine) == 1


@pytest.mark.parametrize("headers", [{"origin": "http://testserver"}, {"sec-fetch-site": "same-origin"}, {}])
def test_our_own_pages_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/upload?name=x.csv", content=b"x", headers=headers).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "../" * 8, "session-" + "a" * 22])
def test_a_browser_without_cookies_is_told_so(client: TestClient, shared_engine: Engine, cookie: str) -> None:
    client.cookies.clear()
    answer = client.post("/upload?name=x.csv", content=b"x", headers={"cookie": f"{COOKIE}={cookie}"})

    assert answer.status_code == 403
    assert "keeps no cookies" in answer.json()["error"]
    assert files(shared_engine) == 0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host allows little; before the engine is made."""
    for name, most in (("FILE", 10_000), ("VISITOR", 15_000), ("UPLOAD", 15_000)):
        monkeypatch.setenv(f"FORELIGHT_MAX_{name}_BYTES", str(most))


@pytest.mark.usefixtures("small")
class TestLimits:
    """At the limit, and one byte above."""

    def test_of_one_file(self, client: TestClient, shared_engine: Engine) -> None:
        assert client.get("/upload?size=10000").status_code == 204
        assert client.post("/upload?name=x.csv", content=b"x" * 10_000).status_code == 200
        for answer in (client.get("/upload?size=10001"), client.post("/upload?name=x", content=b"x" * 10_001)):
            assert answer.status_code == 413
            assert answer.json()["error"].startswith("The file is too large: one file may have 0.01 MB.")
        assert files(shared_engine) == 1

    def test_of_all_files_of_a_visitor(self, client: TestClient, shared_engine: Engine) -> None:
        assert client.post("/upload?name=x.csv", content=b"x" * 10_000).status_code == 200
        assert client.get("/upload?size=5000").status_code == 204
        answer = client.post("/upload?name=x.csv", content=b"x" * 5_001)
        assert answer.status_code == 413
        assert answer.json()["error"].startswith("All your files together may have 0.015 MB.")
        assert files(shared_engine) == 1

    def test_of_a_body_that_does_not_say_its_length(self, client: TestClient, shared_engine: Engine) -> None:
        def pieces() -> Iterator[bytes]:
            yield from (b"x" * 10_000, b"x")

        assert client.post("/upload?name=x.csv", content=pieces()).status_code == 413
        assert files(shared_engine) == 0


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    client: TestClient, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Receiving, piece: bytes) -> None:
        raise DiskFull

    monkeypatch.setattr(Receiving, "write", full)
    answer = client.post("/upload?name=x.csv", content=b"x" * 3_000_000)

    assert answer.status_code == 507
    assert answer.json()["error"].startswith("The server's disk is full.")
    assert files(shared_engine) == 0


def test_what_stands_still_is_given_up_and_leaves_nothing(
    shared_engine: Engine, visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some bytes come, and then none for longer than is waited."""
    monkeypatch.setattr("dashboard.routes.receiving._MOST_SECONDS_OF_SILENCE", 0.2)
    monkeypatch.setattr("dashboard.routes.receiving._MOST_SECONDS_READ_FOR_NOTHING", 0.2)
    told = {**OURS, "cookie": f"{COOKIE}={visitor}", "content-length": "100"}
    headers = [(name.encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"name=x.csv", "headers": headers}
    messages = [{"type": "http.request", "body": b"some", "more_body": True}]

    async def receive_some() -> Any:
        return messages.pop() if messages else await asyncio.sleep(3_600)

    answer = awaited(receive(Request(scope, receive_some)))

    assert answer.status_code == 413
    assert b"Nothing came for a minute" in bytes(answer.body)
    assert files(shared_engine) == 0


def test_a_browser_that_goes_away_leaves_nothing(shared_engine: Engine, visitor: str) -> None:
    told = {**OURS, "cookie": f"{COOKIE}={visitor}"}
    headers = [(name.encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"name=x.csv", "headers": headers}
    messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"x" * 3_000_000, "more_body": True}]

    async def receive_some() -> Any:
        return messages.pop()

    assert awaited(receive(Request(scope, receive_some))).status_code == 400
    assert files(shared_engine) == 0


def test_what_nobody_foresaw_leaves_nothing(
    client: TestClient, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Receiving) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Receiving, "finish", broken)
    answers = TestClient(client.app, raise_server_exceptions=False, cookies=dict(client.cookies), headers=OURS)
    answer = answers.post("/upload?name=x.csv", content=b"x")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert files(shared_engine) == 0


@pytest.mark.parametrize("path", ["/upload/", "/upload/x/y", "/upload/" + "a" * 26])
def test_there_is_no_page_below_it(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_the_first_page_gives_a_browser_its_number_and_no_later_one_another() -> None:
    client = TestClient(whole_app, base_url="https://127.0.0.1")
    cookie = client.get("/").headers["set-cookie"]

    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000", "Secure"} <= set(cookie.split("; "))
    assert "set-cookie" not in client.get("/").headers
    assert "Secure" not in TestClient(whole_app, base_url="http://127.0.0.1").get("/").headers["set-cookie"]


def test_a_made_up_number_is_replaced() -> None:
    assert (
        "set-cookie" in TestClient(whole_app, base_url="http://127.0.0.1", cookies={COOKIE: "admin"}).get("/").headers
    )


def test_the_route_is_in_the_whole_app(shared_engine: Engine) -> None:
    client = TestClient(whole_app, base_url="http://127.0.0.1", headers=OURS)
    client.get("/")
    found = client.post("/upload?name=x.csv", content=b"x").json()
    assert get_engine().uploads.get(client.cookies[COOKIE], found["id"]).name == "x.csv"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/_stcore/upload_file/a/b", "/_stcore/upload_file", "/_stcore/upload_file/"])
def test_streamlits_uploads_are_not_there(method: str, path: str) -> None:
    answer = TestClient(whole_app, base_url="http://127.0.0.1").request(
        method, path, content=b"x" if method != "GET" else None
    )
    assert (answer.status_code, answer.text) == (404, "There is nothing here.")
