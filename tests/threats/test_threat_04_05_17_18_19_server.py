"""Threats 4, 5, 17, 18 and 19 at a real server: what comes is capped and lies on disk, no other site asks a route in a
visitor's name, errors and logs tell nobody's data, no page calls out. Each test is named after its threat.

Who may ask which route: tests/dashboard/route_table.py.
"""

from __future__ import annotations

import http.client
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from starlette.datastructures import Headers

from dashboard.access.origins import is_own_origin
from dashboard.access.security import HEADERS
from engine.settings import BUNDLED_MODELS
from tests.browser.serving import served

MODEL = "diabetes-progression"
FILE, VISITOR, ALL = 96 << 20, 100 << 20, 110 << 20
_MOST_GROWTH = 40 << 20
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    home: Path
    process: psutil.Process

    def upload(self, visitor: str, size: int, pieces: Iterable[bytes] = ()) -> tuple[int, str]:
        """(status, the answer's words) where a file of that size is said to come, and those pieces do."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.putrequest("POST", "/upload?name=x.csv")
            own = {"cookie": f"forelight_visitor={visitor * 22}", "x-requested-with": "forelight"}
            for name, value in {**own, "content-length": str(size)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            for piece in pieces:
                connection.send(piece)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    limits = {"max_file_bytes": FILE, "max_visitor_bytes": VISITOR, "max_upload_bytes": ALL}
    with served(home, forked=True, **limits) as (address, process):
        yield Server(address.removeprefix("http://"), home, psutil.Process(process.pid))


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
def test_threat_17_every_answer_carries_the_headers(server: Server, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, _ = ask(server.address, method, path, host=server.address)
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, (method, status)
        assert "access-control-allow-origin" not in headers or path.startswith("/app/static/inter"), "a font"
        assert status < 500


@pytest.mark.parametrize(("path", "broken"), [("/api/v1/models/digits/runs", "runs"), ("/upload", "uploads")])
def test_threat_18_an_error_that_nobody_foresaw(server: Server, path: str, broken: str) -> None:
    """The answer is a sentence with an incident; the log has the trace under it, and no name."""
    address, home = server.address, server.home
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
def test_threat_17_other_sites_send_no_file(server: Server, headers: dict[str, str]) -> None:
    own = {"host": server.address, "cookie": f"forelight_visitor={'a' * 22}", "x_requested_with": "forelight"}
    assert ask(server.address, "POST", "/upload?name=x.csv", b"x", **own)[0] == 200
    assert ask(server.address, "POST", "/upload?name=x.csv", b"x", **{**own, **headers})[0] == 403
    assert ask(server.address, "POST", "/api/v1/uploads?name=x.csv", b"x", **{**own, **headers})[0] in (
        (401,) if len(headers) > 1 or "x_requested_with" not in headers else (201,)
    )


def test_threat_17_no_page_of_another_port_opens_a_session(server: Server) -> None:
    """Nor of another name of this machine: Streamlit asks for the host's name alone, and takes any loopback one."""
    port = int(server.address.rpartition(":")[2])
    asked = {"host": server.address, "upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13"}
    asked |= {"sec_websocket_key": "AAAAAAAAAAAAAAAAAAAAAA==", "sec_websocket_protocol": "streamlit"}
    own = f"http://{server.address}"
    for origin in (f"http://127.0.0.1:{port + 1}", "http://127.0.0.1", f"http://localhost:{port}", "null", "http://"):
        assert ask(server.address, "GET", "/_stcore/stream", **asked, origin=origin)[0] == 403, origin
    assert ask(server.address, "GET", "/_stcore/stream", **asked, origin=own)[0] == 101
    assert ask(server.address, "GET", "/_stcore/stream", **asked)[0] == 101, "a program's"


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("https://f.example", "f.example", True),
        ("https://f.example", "F.example:443", True),
        ("https://f.example:8443", "f.example:8443", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("https://listed.example", "127.0.0.1:8501", True),
        ("https://listed.example:8443", "127.0.0.1:8501", False),
        ("https://f.example", "f.example:80", False),
        ("https://f.example:8443", "f.example", False),
        ("https://f.example.evil.example", "f.example", False),
    ],
)
def test_threat_17_whose_page_it_is(monkeypatch: pytest.MonkeyPatch, origin: str, host: str, own: bool) -> None:
    """Proxies that change the host are told to Streamlit, as ever."""
    monkeypatch.setattr("streamlit.web.server.server_util.allowlisted_origins", lambda: {"https://listed.example"})
    assert is_own_origin(Headers({"origin": origin, "host": host})) is own


@pytest.mark.parametrize("path", ["/", "/api/v1/models", "/healthz", "/template/digits", "/_stcore/host-config"])
@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8501", "127.0.0.1.evil.example", "", "[::1"])
def test_threat_19_a_server_on_loopback_has_no_other_name(server: Server, path: str, host: str) -> None:
    """DNS rebinding: a page of another site, whose name leads here, is that site's own to a browser."""
    status, headers, body = ask(server.address, "GET", path, host=host)
    assert status == 421
    assert b"FORELIGHT_NAMES" in body
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_threat_19_but_its_own_names(server: Server, name: str) -> None:
    assert ask(server.address, "GET", "/healthz", host=f"{name}:{server.address.rpartition(':')[2]}")[0] == 200


def test_threat_04_a_file_is_refused_before_it_comes(server: Server) -> None:
    """Nobody waits for its bytes, or keeps them."""
    before = server.process.memory_info().rss
    for size, words in ((FILE + 1, "one file may have"), (10**15, "one file may have")):
        status, said = server.upload("c", size)
        assert (status, words in said) == (413, True), said
    assert server.process.memory_info().rss - before < _MOST_GROWTH


def test_threats_04_and_05_files_go_to_the_disk_and_visitors_share_its_room(server: Server) -> None:
    """The server's memory does not grow with the file; made-up visitors share what there is for all."""
    process, before, most = server.process, server.process.memory_info().rss, 0

    def pieces() -> Iterator[bytes]:
        nonlocal most
        for _ in range(FILE >> 20):
            yield bytes(1 << 20)
            most = max(most, process.memory_info().rss)

    assert server.upload("d", FILE, pieces())[0] == 200
    assert most - before < _MOST_GROWTH
    assert max(path.stat().st_size for path in (server.home / "uploads").rglob("*")) == FILE
    assert "All your files together" in server.upload("d", VISITOR - FILE + 1)[1]
    full = [server.upload(visitor, 9 << 20, [bytes(1 << 20)] * 9)[0] for visitor in "efg"]
    assert full == [200, 413, 413], "little is left for all others"


def test_threat_04_streamlits_own_uploads_and_figures_are_closed(server: Server) -> None:
    for method, path in (("GET", "/_stcore/metrics"), ("PUT", "/_stcore/upload_file/a/b")):
        assert ask(server.address, method, path, host=server.address)[0] == 404


def test_threat_18_the_log_holds_no_cell_no_name_no_key(server: Server) -> None:
    """A file that is refused, one that is predicted, what was asked of it, and a key that opens nothing."""
    own = {"host": server.address, "content_type": "application/json"}
    sample = (BUNDLED_MODELS / MODEL / "samples" / "patients.csv").read_bytes()
    secret = sample.replace(b"P0001", b"CELLPATIENT")
    for content in (secret, b"CELLHEADER,age\n1,CELLVALUE\n", b"\x93NUMPYCELL"):
        asked = f"/api/v1/models/{MODEL}/runs?name=CELLNAME.csv&on_error=report"
        status, _, body = ask(server.address, "POST", asked, content, **own)
        assert status in (201, 202, 422), body
        if status < 400:
            run = json.loads(body)["id"]
            for path in (f"/api/v1/runs/{run}/events", f"/api/v1/runs/{run}/rows?search=CELLPATIENT&key=CELLKEY"):
                assert ask(server.address, "GET", path, **own)[0] == 200
    ask(server.address, "GET", "/api/v1/models", host=server.address, authorization="Bearer CELLTOKEN")
    ask(server.address, "POST", f"/api/v1/models/{MODEL}/predictions", b'{"rows": [{"age": "CELLROW"}]}', **own)
    log = (server.home / "log").read_text()
    assert run in log
    assert "CELL" not in log


def test_threat_19_what_streamlit_is_told(server: Server) -> None:
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert told["browser"]["gatherUsageStats"] is False
    assert told["browser"]["serverAddress"] == "127.0.0.1", "else it asks a service outside for its own address"
    assert told["server"]["disconnectedSessionTTL"] <= 60
    assert told["client"]["showErrorDetails"] == "none"
    assert told["client"]["showErrorLinks"] is False
    assert told["client"]["disableDataExport"] is True
    assert told["server"]["address"] == "127.0.0.1"
    assert told["server"]["enableXsrfProtection"] is True


def test_threat_19_of_static_files_there_are_fonts_alone(server: Server) -> None:
    names = {path.name for path in (ROOT / "dashboard" / "static").iterdir()}
    assert {name.rpartition(".")[2] for name in names} <= {"woff2", "txt"}
    for path in ("/app/static/../app.py", "/app/static/%2e%2e/app.py", "/app/static/..%2fapp.py", "/app/static/"):
        status, _, body = ask(server.address, "GET", path, host=server.address)
        assert status == 404 or b"forelight" not in body.lower(), path
