"""The nginx configuration of the docs, in front of a real server: pages, uploads as they come, events, downloads."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, expect

from engine import Caller, Engine, Settings
from engine.settings import BUNDLED_MODELS
from tests.browser.serving import ROOT, free_port, served, settled
from tests.engine.trouble import write_rows, write_trouble

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
NAME = "forecast.localhost"  # browsers look for such names on this machine
MIB = 2**20
PATIENTS = BUNDLED_MODELS / "diabetes-progression" / "samples" / "patients.csv"


@dataclass(frozen=True)
class Site:
    """nginx's port for TLS and the one without, and what stands behind it."""

    port: int
    plain: int
    home: Path
    token: str

    def connection(self) -> HTTPSConnection:
        return HTTPSConnection("127.0.0.1", self.port, context=ssl._create_unverified_context(), timeout=60)

    @property
    def head(self) -> dict[str, str]:
        token = f"Bearer {self.token}"
        return {"host": f"{NAME}:{self.port}", "authorization": token, "content-type": "application/json"}

    def ask(self, method: str, path: str, content: bytes | Iterator[bytes] | None = None) -> tuple[int, bytes]:
        connection = self.connection()
        connection.request(
            method, f"/api/v1{path}", content, self.head, encode_chunked=not isinstance(content, bytes | None)
        )
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server that answers, and one that is not there, behind nginx."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("nginx")
    models = write_trouble(home / "models")
    folders = os.pathsep.join((str(models), str(BUNDLED_MODELS)))
    with served(home, names=NAME, models=folders) as (address, _):
        tokens, _, _ = Engine(Settings(home=home, models=(models,))).access()
        _, token = tokens.make(Caller("ann", name="Ann"), "test", ("models", "read", "run"), 1)
        found = Site(free_port(), free_port(), home, token)
        process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(_configured(folder, found, address))])
        try:
            _wait(found, process)
            yield found
        finally:
            process.terminate()
            process.wait(10)


def _configured(folder: Path, site: Site, address: str) -> Path:
    """The docs' configuration with a certificate and ports of its own."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={NAME}"]
    subprocess.run(["openssl", *made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
    port = address.rpartition(":")[2]
    for pattern, ours in (
        (r"(?m)^(\s+)listen \[::\].*\n", ""),
        (r"forecast\.example\.org", NAME),
        (r"listen 80;", f"listen 127.0.0.1:{site.plain};"),
        (r"listen 443 ", f"listen 127.0.0.1:{site.port} "),
        (r"/etc/letsencrypt/\S+/fullchain.pem", str(certificate)),
        (r"/etc/letsencrypt/\S+/privkey.pem", str(key)),
        (r"server 127.0.0.1:8501 (.*)", rf"server 127.0.0.1:{port} \1\n    server 127.0.0.1:{free_port()} \1"),
    ):
        text, count = re.subn(pattern, ours, text)
        assert count, pattern
    written = folder / "nginx.conf"
    own = "daemon off; master_process off; pid nginx.pid; error_log error.log; events {}"
    temporary = "".join(f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    written.write_text(f"{own}\nhttp {{ access_log off; {temporary}\n{text}\n}}\n")
    return written


def _wait(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            assert site.ask("GET", "/models")[0] == 200
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("nginx does not answer")


def test_pages_upload_predict_and_download(site: Site, browser: Browser) -> None:
    context = browser.new_context(base_url=f"https://{NAME}:{site.port}", ignore_https_errors=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/?model=diabetes-progression")
    page.locator("input#files").set_input_files(PATIENTS)
    page.get_by_role("button", name="Predict 30 rows").click()
    page.wait_for_url("**/result?run=*")
    settled(page)
    link = page.get_by_role("link", name="Download CSV")
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    found = pl.read_csv(download.value.path())
    assert found["row"].to_list() == list(range(1, 31))
    [cookie] = [each for each in context.cookies() if each["name"] == "forelight_visitor"]
    assert cookie["secure"], "the server knows that it is asked over TLS"
    context.close()


def test_an_upload_lands_on_the_servers_disk_as_it_comes(site: Site) -> None:
    seen = []

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            seen.append(_received(site.home))
            yield b"1,2,3,4\n" * (MIB // 8)

    status, _ = site.ask("POST", "/uploads?name=rows.csv", pieces())
    assert status == 201
    assert _received(site.home) >= 40 * MIB
    assert max(seen) > 20 * MIB, "nginx kept it to itself until it was whole"


def _received(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "uploads").rglob("*") if path.is_file())


def test_events_of_a_run_come_while_it_runs(site: Site, tmp_path: Path) -> None:
    _, answer = site.ask("POST", "/uploads?name=rows.csv", write_rows(tmp_path / "rows.csv", 5_000).read_bytes())
    wanted = {"model": "slow", "uploads": [json.loads(answer)["id"]], "options": {"batch_size": 50}}
    status, answer = site.ask("POST", "/runs", json.dumps(wanted).encode())
    assert status in (200, 201), answer
    run_id = json.loads(answer)["id"]
    connection = site.connection()
    connection.request("GET", f"/api/v1/runs/{run_id}/events", headers=site.head)
    states = []
    for line in connection.getresponse():
        if line.startswith(b"data:"):
            told = json.loads(line[5:])
            states.append((told["state"], json.loads(site.ask("GET", f"/runs/{run_id}")[1])["state"]))
    assert ("running", "running") in states, "said while it was so"
    assert states[-1][0] == "done"
    assert site.ask("GET", f"/runs/{run_id}/download.csv")[1].count(b"\n") == 5_001


def test_figures_stay_inside_and_plain_http_is_sent_on(site: Site) -> None:
    connection = site.connection()
    connection.request("GET", "/metrics", headers={"host": f"{NAME}:{site.port}"})
    assert connection.getresponse().status == 404
    request = urllib.request.Request(f"http://127.0.0.1:{site.plain}/runs?a=1", headers={"host": NAME})
    opener = urllib.request.build_opener(_Stays)
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(request, timeout=10)
    assert (refused.value.code, refused.value.headers["location"]) == (301, f"https://{NAME}/runs?a=1")


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None
