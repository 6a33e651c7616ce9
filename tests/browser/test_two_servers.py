"""Two servers behind a sticky proxy, one PostgreSQL, one home: what is begun on one is everybody's, whoever dies."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import polars as pl
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from engine import AuditSearch, Caller, Engine, Settings
from tests.browser.serving import free_port, served
from tests.browser.sticky import sticky_proxy
from tests.browser.test_login import log_in, provider
from tests.engine import postgres
from tests.engine.trouble import write_rows, write_trouble

ROWS = 6_000
OPTIONS = {"batch_size": 50}


@dataclass
class Sites:
    """Two dashboards, the proxy before them, and what they share. `start` starts one that was killed again."""

    home: Path
    engine: Engine
    addresses: tuple[str, str]
    proxy: str
    processes: dict[str, subprocess.Popen[bytes]]
    start: Callable[[str], None]

    def kill(self, address: str) -> None:
        self.processes[address].kill()
        self.processes[address].wait()

    def owner(self, run_id: str) -> str:
        """The address of the server that runs the run; "" for none."""
        pid = self.engine._open().store.get(run_id).owner.split("|")[1:2]
        return next((at for at, process in self.processes.items() if [str(process.pid)] == pid), "")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    home, name = tmp_path_factory.mktemp("home"), f"two_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = postgres.server().replace("/postgres?", f"/{name}?")
    models = write_trouble(home / "models")
    ports, port = (free_port(), free_port()), free_port()
    addresses = tuple(f"http://127.0.0.1:{each}" for each in ports)
    with ExitStack() as stack:
        secrets_file = _secrets(home, port, stack.enter_context(provider(home)))
        processes: dict[str, subprocess.Popen[bytes]] = {}

        def start(address: str) -> None:
            own = {"login": 1, "database_url": url, "models": models, "warm_models": 1, "devices": 1}
            number, options = ports[addresses.index(address)], ("--secrets.files", str(secrets_file))
            serving = served(home, number, options, forked=True, log=f"log-{number}", **own)
            _, processes[address] = stack.enter_context(serving)

        with ThreadPoolExecutor(2) as pool:  # at the same moment, as a deployment starts them
            list(pool.map(start, addresses))
        stack.enter_context(sticky_proxy(port, ports))
        engine = Engine(Settings(home=home, models=(models,), database_url=url, login=True))
        yield Sites(home, engine, addresses, f"http://127.0.0.1:{port}", processes, start)  # type: ignore[arg-type]
        engine.close()


def _secrets(home: Path, port: int, issuer: str) -> Path:
    path = home / "secrets.toml"
    path.write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "{"s" * 32}"
        client_id = "forelight"
        client_secret = "secret"
        server_metadata_url = "{issuer}/.well-known/openid-configuration"
        """
    )
    return path


class Client:
    """One program with one token, on any of the addresses."""

    def __init__(self, sites: Sites) -> None:
        tokens, _, _ = sites.engine.access()
        self.token, words = tokens.make(Caller("ann", name="Ann"), "test", ("models", "read", "run"), 1)
        self._http = httpx2.Client(headers={"authorization": f"Bearer {words}"}, timeout=60)
        self._proxy = sites.proxy

    def ask(self, method: str, path: str, at: str = "", **asked: Any) -> httpx2.Response:
        return self._http.request(method, f"{at or self._proxy}/api/v1{path}", **asked)

    def get(self, path: str, at: str = "") -> Any:
        answer = self.ask("GET", path, at)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, run_id: str, true: Callable[[Any], bool], at: str = "") -> Any:
        deadline = time.monotonic() + 60
        while not true(run := self.get(f"/runs/{run_id}", at)):
            assert time.monotonic() < deadline, run
            time.sleep(0.05)
        return run

    def upload(self, path: Path, at: str = "") -> str:
        answer = self.ask("POST", "/uploads", at, params={"name": path.name}, content=path.read_bytes())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def begin(self, upload_id: str, at: str = "") -> str:
        """The id of a run that has begun to predict."""
        wanted = {"model": "slow", "uploads": [upload_id], "options": OPTIONS}
        answer = self.ask("POST", "/runs", at, json=wanted)
        assert answer.status_code in (200, 201), answer.text
        run_id = str(answer.json()["id"])
        self.until(run_id, lambda run: run["rows_done"] > 0, at)
        return run_id

    def csv(self, run_id: str, at: str = "") -> bytes:
        answer = self.ask("GET", f"/runs/{run_id}/download.csv", at)
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture(scope="module")
def ann(sites: Sites) -> Client:
    return Client(sites)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv", ROWS)


@pytest.fixture(scope="module")
def expected(sites: Sites, ann: Client, rows: Path) -> bytes:
    """The CSV of a run that nothing happens to."""
    run_id = ann.begin(ann.upload(rows))
    assert ann.until(run_id, lambda run: run["state"] == "done")["rows_done"] == ROWS
    return ann.csv(run_id)


def test_a_run_is_everybodys(sites: Sites, ann: Client, rows: Path, expected: bytes) -> None:
    here, there = sites.addresses
    run_id = ann.begin(ann.upload(rows, here), there)
    assert sites.owner(run_id) == there
    watched = ann.until(run_id, lambda run: run["rows_done"] > 200, here)
    assert watched["state"] == "running", "watched where it does not run"
    assert ann.ask("POST", f"/runs/{run_id}/cancel", here).status_code == 202
    cancelled = ann.until(run_id, lambda run: run["state"] == "cancelled", there)
    assert 0 < cancelled["rows_done"] < ROWS
    partial = ann.csv(run_id, there)
    assert partial == ann.csv(run_id, here), "what one has written the other one serves"
    assert partial.count(b"\n") == cancelled["rows_done"] + 1

    assert ann.ask("POST", f"/runs/{run_id}/resume", here).status_code == 200
    assert sites.owner(run_id) == here, "it goes on where it is resumed"
    ann.until(run_id, lambda run: run["state"] == "done", there)
    assert ann.csv(run_id, there) == expected
    assert ann.csv(run_id, here) == expected
    rows_there = ann.get(f"/runs/{run_id}/rows?limit=3&offset=4000", there)
    assert rows_there == ann.get(f"/runs/{run_id}/rows?limit=3&offset=4000", here)

    changed = ann.ask("PATCH", f"/runs/{run_id}", here, json={"name": "May"})
    assert changed.status_code == 200
    assert ann.get(f"/runs/{run_id}", there)["name"] == "May"
    assert ann.ask("DELETE", f"/runs/{run_id}", there).status_code == 204
    assert ann.ask("GET", f"/runs/{run_id}", here).status_code == 404
    assert ann.ask("GET", f"/runs/{run_id}/download.csv", here).status_code == 404


def test_who_may_what_is_the_same_on_both_at_once(sites: Sites, ann: Client, rows: Path) -> None:
    here, there = sites.addresses
    mine = Client(sites)
    run_id = mine.begin(mine.upload(rows))
    shared = mine.ask("POST", f"/runs/{run_id}/shares", here, json={})
    assert shared.status_code == 201
    tokens, shares, audit = sites.engine.access()
    assert shares.opens(run_id, [shared.json()["key"]])
    assert mine.ask("DELETE", f"/runs/{run_id}/shares/{shared.json()['id']}", there).status_code == 204
    assert mine.get(f"/runs/{run_id}/shares", here) == []
    looks = [entry.action for entry in audit.entries(AuditSearch(run_id=run_id))].count("saw")
    assert looks == 1, "a look is noted once an hour, whichever server is asked"
    assert tokens.revoke(mine.token.id, "ann")
    assert {mine.ask("GET", "/runs", at).status_code for at in sites.addresses} == {401}
    ann.ask("DELETE", f"/runs/{run_id}")


def test_both_sweep_and_neither_stumbles(sites: Sites, ann: Client, rows: Path) -> None:
    other = Engine(sites.engine.settings.model_copy(update={"keep_bytes": 1}))
    run_id = ann.begin(ann.upload(rows))
    running = ann.get(f"/runs/{run_id}")
    with ThreadPoolExecutor(2) as pool:
        gone = [run for swept in pool.map(lambda _: other.sweep(), range(2)) for run in swept]
    assert run_id not in gone, "one that runs is never swept"
    assert running["state"] == "running"
    ann.ask("DELETE", f"/runs/{run_id}")
    other.close()
    assert "Traceback" not in "".join(path.read_text() for path in sites.home.glob("log-*"))


def test_one_is_killed_and_nothing_is_lost(sites: Sites, ann: Client, rows: Path, expected: bytes) -> None:
    victim, other = sites.addresses
    run_id = ann.begin(ann.upload(rows, victim), victim)
    assert sites.owner(run_id) == victim
    sites.kill(victim)
    assert ann.get(f"/runs/{run_id}")["state"] in ("queued", "running"), "the proxy knows another way"
    ann.until(run_id, lambda run: sites.owner(run_id) == other or run["state"] == "done")
    assert ann.until(run_id, lambda run: run["state"] == "done")["rows_done"] == ROWS
    assert ann.csv(run_id) == expected
    sites.start(victim)
    assert ann.csv(run_id, victim) == expected


def test_a_page_goes_on_at_the_other_server(sites: Sites, browser: Browser, tmp_path: Path) -> None:
    count = 80_000
    context = browser.new_context(base_url=sites.proxy)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/runs")
    log_in(page, "ann")
    expect(page.get_by_text("You have predicted nothing here yet")).to_be_visible()
    page.goto("/?model=slower")
    page.locator("input[type=file]").first.set_input_files(write_rows(tmp_path / "rows.csv", count))
    page.get_by_role("button", name=f"Predict {count:,} rows").click()
    page.wait_for_url("**/result?run=*")
    run_id = page.url.rpartition("=")[2]
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    for address in sites.addresses:  # the login of one is the login of both
        answer = httpx2.get(f"{address}/download/{run_id}/x.csv", cookies=cookies)
        assert answer.status_code in (200, 409)
        assert httpx2.get(f"{address}/download/{run_id}/x.csv").status_code == 401
    victim = sites.owner(run_id)
    sites.kill(victim)
    download = page.get_by_role("link", name="Download CSV")
    expect(download).to_be_visible()
    found = pl.read_csv(page.request.get(download.get_attribute("href") or "").body())
    assert found["row"].to_list() == list(range(1, count + 1))
    assert set(found["status"]) == {"ok"}
    context.close()
    sites.start(victim)
