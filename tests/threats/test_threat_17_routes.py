"""Threats 17 and 19: no other site asks a route in a visitor's name, no other host's name reaches a server on loopback.

Every answer, refusals and errors too, carries the headers. Who may ask which route: tests/dashboard/route_table.py.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.security import HEADERS
from tests.browser.serving import served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("home")
    with served(home, forked=True) as (address, _):
        yield address.removeprefix("http://"), home


def ask(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of a request whose every header is ours."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


PATHS = """/ /runs /nothing/here /_stcore/health /_stcore/host-config /_stcore/metrics /_stcore/upload_file/a/b /media/x
/app/static/inter-latin-wght-normal.woff2 /app/static/../app.py /component/x/y /download/x/y.csv /image/x/1
/template/digits /template/x /upload /login /auth/login /auth/logout /oauth2callback /healthz /readyz /metrics /api/
/api/v1/models /api/v1/docs /api/v1/openapi.json /api/v1/runs/x /api/v1/static/swagger-ui.css
/_stcore/agent/openapi.json //evil.example/ /%2e%2e/x"""


@pytest.mark.parametrize("path", [*PATHS.split(), "/report/x"])
def test_every_answer_carries_the_headers(server: tuple[str, Path], path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, _ = ask(server[0], method, path, host=server[0])
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, (method, status)
        assert "access-control-allow-origin" not in headers or path.startswith("/app/static/inter"), "a font"
        assert status < 500


@pytest.mark.parametrize(("path", "broken"), [("/api/v1/models/digits/runs", "runs"), ("/upload", "uploads")])
def test_an_error_that_nobody_foresaw_carries_them_too(server: tuple[str, Path], path: str, broken: str) -> None:
    """The answer is a sentence with an incident; the log has the trace under it, and no name."""
    address, home = server
    own = {"host": address, "cookie": f"forelight_visitor={'b' * 22}", "x_requested_with": "forelight"}
    folder = home / broken
    folder.mkdir(exist_ok=True)
    folder.rename(home / "elsewhere")
    folder.write_text("a file where a folder was")
    try:
        status, headers, body = ask(address, "POST", f"{path}?name=CELL.csv", b"x", **own)
    finally:
        folder.unlink()
        (home / "elsewhere").rename(folder)
    assert status == 500
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    found = re.search(r"Something went wrong\. Incident ([0-9A-F]{6})\.", body.decode())
    assert found is not None, body
    log = (home / "log").read_text()
    assert f"incident {found[1]}" in log
    assert "CELL" not in log
    if path.startswith("/api"):
        assert json.loads(body)["instance"] == f"urn:forelight:incident:{found[1]}"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"sec_fetch_site": "cross-site", "origin": "http://evil.example"},
        {"sec_fetch_site": "same-site"},
        {"x_requested_with": ""},
    ],
)
def test_other_sites_send_no_file(server: tuple[str, Path], headers: dict[str, str]) -> None:
    own = {"host": server[0], "cookie": f"forelight_visitor={'a' * 22}", "x_requested_with": "forelight"}
    assert ask(server[0], "POST", "/upload?name=x.csv", b"x", **own)[0] == 200
    assert ask(server[0], "POST", "/upload?name=x.csv", b"x", **{**own, **headers})[0] == 403
    assert ask(server[0], "POST", "/api/v1/uploads?name=x.csv", b"x", **{**own, **headers})[0] in (
        (401,) if len(headers) > 1 or "x_requested_with" not in headers else (201,)
    )


@pytest.mark.parametrize("path", ["/", "/api/v1/models", "/healthz", "/template/digits", "/_stcore/host-config"])
@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8501", "127.0.0.1.evil.example", "", "[::1"])
def test_a_server_on_loopback_has_no_other_name(server: tuple[str, Path], path: str, host: str) -> None:
    """DNS rebinding: a page of another site, whose name leads here, is that site's own to a browser."""
    status, headers, body = ask(server[0], "GET", path, host=host)
    assert status == 421
    assert b"FORELIGHT_NAMES" in body
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_but_its_own_names(server: tuple[str, Path], name: str) -> None:
    assert ask(server[0], "GET", "/healthz", host=f"{name}:{server[0].rpartition(':')[2]}")[0] == 200


def test_streamlits_own_figures_and_uploads_are_closed(server: tuple[str, Path]) -> None:
    for method, path in (("GET", "/_stcore/metrics"), ("PUT", "/_stcore/upload_file/a/b")):
        assert ask(server[0], method, path, host=server[0])[0] == 404
