"""The HTTP API: the pages' models, runs and results, in the same words; tokens, ranges, events; nothing falls over."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi import checks
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from dashboard.routes.fetching import say_incident
from dashboard.v1.app import API_ROUTES, PATH, api
from dashboard.v1.runs import _events
from engine import Caller, Engine, GuardedEngine, Options, Results, Scope, Source
from engine.settings import BUNDLED_MODELS
from tests.awaiting import awaited
from tests.dashboard.conftest import sharing_engine

MODEL = "diabetes-progression"
SAMPLES = BUNDLED_MODELS / MODEL / "samples"
PATIENTS = (SAMPLES / "patients.csv").read_bytes()
NEVER = "a" * 26
ANN = Caller("ann", name="Ann")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sharing_engine(tmp_path_factory.mktemp("home"), login=1) as shared:
        yield shared


def client_of(engine: Engine, caller: Caller, *scopes: Scope) -> TestClient:
    """A program with a token of that caller's."""
    _, words = GuardedEngine(engine, caller).make_token("test", scopes or ("models", "read", "run"))
    headers = {"authorization": f"Bearer {words}"}
    return TestClient(api, root_path="", headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def ann(engine: Engine) -> TestClient:
    return client_of(engine, ANN)


@pytest.fixture(scope="module")
def run_id(engine: Engine) -> str:
    """A finished run of Ann's."""
    guarded = GuardedEngine(engine, ANN)
    run = guarded.check(MODEL, [Source("patients.csv", SAMPLES / "patients.csv")], keep_files=True)
    guarded.submit(run.id, Options())
    assert guarded.wait(run.id).state == "done"
    return run.id


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["detail"]
    return said


def test_models_and_what_they_take(ann: TestClient) -> None:
    found = {model["id"]: model for model in ann.get("/models").json()}
    assert set(found) >= {"breast-cancer", "cifar10", MODEL, "digits", "lorenz-state"}
    one = ann.get(f"/models/{MODEL}").json()
    assert one == found[MODEL]
    assert [column["name"] for column in one["signature"]][:3] == ["age", "sex", "bmi"]
    assert one["signature"][0]["range"] == [0, 120]
    assert ann.get(f"/models/{MODEL}/template").text.startswith("age,sex,bmi")
    assert "Did you mean" in is_problem(ann.get("/models/diabetes-progresion"), 404)["detail"]


def test_rows_are_predicted_in_the_same_request(ann: TestClient, engine: Engine) -> None:
    rows = pl.read_csv(PATIENTS).head(3).to_dicts()
    answer = ann.post(f"/models/{MODEL}/predictions", json={"rows": rows}).json()
    _, lines = engine.predict_now(MODEL, [Source("p.csv", SAMPLES / "patients.csv")])
    assert [row["progression_estimate"] for row in answer["rows"]] == lines["progression_estimate"].to_list()[:3]
    assert [row["patient"] for row in answer["rows"]] == ["P0001", "P0002", "P0003"]
    wrong = ann.post(f"/models/{MODEL}/predictions", json={"rows": [{**rows[0], "age": "old"}, rows[1]]}).json()
    assert [row["status"] for row in wrong["rows"]] == ["failed", "ok"]
    assert any("'old'" in each["message"] for each in wrong["problems"])
    said = is_problem(ann.post(f"/models/{MODEL}/predictions", json={"rows": [{"age": 1}]}), 422)
    assert any(each["code"] == "missing-column" for each in said["problems"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"rows": []}',
        b'{"rows": [{"age": {"deep": 1}}]}',
        b'{"rows": [[1]]}',
        b'{"rows": 3}',
        b'{"rows": [{}], "more": 1}',
        b'{"rows": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"rows": [{"age": 1' + b"0" * 5_000 + b"}]}",
        b'{"rows": [{"age": NaN}]}',
        b'{"rows": [{"\xff": 1}]}',
        json.dumps({"rows": [{"age": 1}] * 1_001}).encode(),
    ],
)
def test_bodies_that_are_none(ann: TestClient, body: bytes) -> None:
    answer = ann.post(f"/models/{MODEL}/predictions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text[:200]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_becomes_a_run_and_its_results(ann: TestClient, engine: Engine) -> None:
    sent = ann.post("/uploads", params={"name": "Größe & mehr.csv"}, content=PATIENTS)
    assert sent.status_code == 201
    upload = sent.json()
    assert (upload["name"], upload["size"]) == ("Größe & mehr.csv", len(PATIENTS))
    made = ann.post("/runs", json={"model": MODEL, "uploads": [upload["id"]]})
    assert made.status_code == 201, made.text
    run = made.json()
    assert run["files"] == ["Größe & mehr.csv"]
    states = []
    with ann.stream("GET", f"/runs/{run['id']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        states += [json.loads(line[6:])["state"] for line in events.iter_lines() if line.startswith("data: ")]
    assert states[-1] == "done"
    page = ann.get(f"/runs/{run['id']}/rows", params={"limit": 5, "sort": "progression_estimate"}).json()
    figures = [row["progression_estimate"] for row in page["rows"]]
    assert page["total"] == 30
    assert figures == sorted(figures)
    params = {"f": "age~between~30~50", "c": "age", "limit": 1_000}
    chosen = ann.get(f"/runs/{run['id']}/rows", params=params).json()
    assert 0 < chosen["total"] < 30
    assert all(set(row) == {"age"} and 30 <= row["age"] <= 50 for row in chosen["rows"])
    arrow = ann.get(f"/runs/{run['id']}/rows", headers={"accept": "application/vnd.apache.arrow.stream"})
    assert pl.read_ipc_stream(io.BytesIO(arrow.content)).height == 30
    twice = ann.get(f"/runs/{run['id']}/download.csv", params={"c": ["age", "bmi", "age"]})
    assert twice.text.startswith("age,bmi\n")
    assert twice.headers["content-disposition"].endswith("Gr%C3%B6%C3%9Fe-mehr.csv")
    for params in ({"f": "nothing~in~1"}, {"c": "nothing"}, {"sort": "nothing"}):
        is_problem(ann.get(f"/runs/{run['id']}/rows", params=params), 422)
    changed = ann.patch(f"/runs/{run['id']}", json={"name": "May", "note": "for Bob"}).json()
    assert (changed["name"], changed["note"]) == ("May", "for Bob")
    assert ann.get("/runs", params={"text": "for bob"}).json()["total"] == 1
    assert ann.delete(f"/runs/{run['id']}").status_code == 204
    is_problem(ann.get(f"/runs/{run['id']}"), 404)


def test_a_run_of_one_file_and_what_is_in_its_way(ann: TestClient, engine: Engine) -> None:
    before = ann.get("/runs").json()["total"]
    broken = (SAMPLES / "patients-with-mistakes.csv").read_bytes().replace(b"S6 ", b"s6")
    path, params = f"/models/{MODEL}/runs", {"name": "patients.csv"}
    said = is_problem(ann.post(path, params=params, content=broken), 422)
    assert {each["column"] for each in said["problems"]} >= {"bmi", "bp", "s1", "age"}
    assert ann.get("/runs").json()["total"] == before, "what is refused leaves nothing"
    made = ann.post(path, params={**params, "on_error": "report"}, content=broken)
    assert made.status_code == 201, made.text
    run = engine.wait(made.json()["id"])
    assert (run.rows_total, run.rows_failed) == (12, 4)
    is_problem(ann.post("/models/nothing/runs", params=params, content=PATIENTS), 404)
    is_problem(ann.post("/runs", json={"model": MODEL, "uploads": [NEVER]}), 404)


def test_checked_then_started_cancelled_resumed(ann: TestClient, engine: Engine) -> None:
    upload = ann.post("/uploads", params={"name": "p.csv"}, content=PATIENTS).json()
    run = ann.post("/runs", json={"model": MODEL, "uploads": [upload["id"]], "start": False}).json()
    assert (run["state"], run["rows_good"]) == ("checked", 30)
    assert ann.post(f"/runs/{run['id']}/start", json={}).status_code == 200
    engine.wait(run["id"])
    is_problem(ann.post(f"/runs/{run['id']}/start", json={}), 409)
    assert ann.post(f"/runs/{run['id']}/cancel").status_code == 202
    is_problem(ann.post(f"/runs/{run['id']}/resume"), 409)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "xlsx"])
def test_downloads_have_ranges(ann: TestClient, engine: Engine, run_id: str, suffix: str) -> None:
    path = f"/runs/{run_id}/download.{suffix}"
    whole = ann.get(path).content
    assert whole == engine.export(run_id, suffix).read_bytes()
    part = ann.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    rest = ann.get(path, headers={"range": f"bytes={len(whole) - 5}-"})
    assert rest.content == whole[-5:]
    assert ann.get(path, headers={"range": f"bytes={len(whole) + 5}-"}).status_code == 416
    assert ann.get(f"/runs/{run_id}/report").text.startswith("<!doctype html>")
    is_problem(ann.get(f"/runs/{run_id}/download.exe"), 422)


CALLS = (
    ("GET", "", None),
    ("GET", "/events", None),
    ("GET", "/rows", None),
    ("GET", "/download.csv", None),
    ("GET", "/report", None),
    ("GET", "/shares", None),
    ("POST", "/shares", {}),
    ("POST", "/start", {}),
    ("POST", "/cancel", None),
    ("POST", "/resume", None),
    ("PATCH", "", {"name": "mine"}),
    ("DELETE", f"/shares/{NEVER}", None),
    ("DELETE", "", None),
)


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_anothers_run_is_as_one_that_never_was(
    engine: Engine, run_id: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    bob = client_of(engine, Caller("bob"))
    theirs, never = (bob.request(method, f"/runs/{each}{path}", json=body) for each in (run_id, NEVER))
    is_problem(theirs, 404)
    assert theirs.content.replace(run_id.encode(), b"") == never.content.replace(NEVER.encode(), b"")
    assert set(theirs.headers) == set(never.headers)


def test_a_key_opens_to_read(engine: Engine, ann: TestClient, run_id: str) -> None:
    shared = ann.post(f"/runs/{run_id}/shares", json={"days": 1}).json()
    bob = client_of(engine, Caller("bob"))
    assert bob.get(f"/runs/{run_id}", params={"key": shared["key"]}).status_code == 200
    assert bob.get(f"/runs/{run_id}/rows", params={"key": shared["key"]}).json()["total"] == 30
    is_problem(bob.patch(f"/runs/{run_id}", params={"key": shared["key"]}, json={"name": "x"}), 403)
    assert "key" not in ann.get(f"/runs/{run_id}/shares").text.replace('"key":""', "")
    assert ann.delete(f"/runs/{run_id}/shares/{shared['id']}").status_code == 204
    is_problem(bob.get(f"/runs/{run_id}", params={"key": shared["key"]}), 404)


def test_tokens_and_nothing_else(engine: Engine, run_id: str) -> None:
    with TestClient(api, raise_server_exceptions=False) as nobody:
        answer = nobody.get("/models")
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        is_problem(nobody.get("/models", headers={"authorization": "Bearer forelight_nothing"}), 401)
        is_problem(nobody.get("/models", headers={"authorization": "Basic YTpi"}), 401)
    is_problem(client_of(engine, ANN, "models").get(f"/runs/{run_id}"), 403)
    is_problem(client_of(engine, ANN, "read").post("/uploads", params={"name": "x.csv"}, content=b"x"), 403)
    is_problem(client_of(engine, ANN, "run").get("/models"), 403)


def test_what_is_not_there(ann: TestClient) -> None:
    is_problem(ann.get("/nothing"), 404)
    is_problem(ann.put("/models"), 405)
    site = TestClient(Starlette(routes=API_ROUTES), raise_server_exceptions=False)
    is_problem(site.get("/api/v2/models"), 404)
    is_problem(site.get("/api"), 404)
    assert site.get(f"{PATH}/models").status_code == 401
    page = site.get(f"{PATH}/docs").text
    assert "https://" not in page, "nothing is asked of another server"
    for address in (f"{PATH}/static/swagger-ui-bundle.js", f"{PATH}/static/swagger-ui.css", f"{PATH}/openapi.json"):
        assert address in page
        assert site.get(address).status_code == 200


def test_an_upload_that_is_too_large_is_refused_before_it_comes(engine: Engine, ann: TestClient) -> None:
    headers = {"content-length": str(10**15)}
    is_problem(ann.post("/uploads", params={"name": "x.csv"}, content=b"x", headers=headers), 413)
    assert not [path for path in Path(engine.settings.uploads_folder).rglob("*") if path.stat().st_size == 1]


def test_a_program_on_this_machine_needs_no_token_where_there_is_no_login(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_settings = engine.settings.model_copy(update={"login": False})
    monkeypatch.setattr(engine, "settings", open_settings)
    here = TestClient(api, base_url="http://localhost", client=("127.0.0.1", 1))
    assert here.get("/models").status_code == 200
    for headers in (
        {"x-forwarded-for": "203.0.113.7"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"host": "rebound.example"},
        {"via": "1.1 proxy"},
    ):
        is_problem(here.get("/models", headers=headers), 401)
    there = TestClient(api, base_url="http://localhost", client=("203.0.113.7", 1))
    is_problem(there.get("/models"), 401)


# Who may not is asked above; a filter or an id that is well-formed need not be there; each route names its own methods.
_NOT_MEANT = (checks.ignored_auth, checks.positive_data_acceptance, checks.allow_header_conformance)
schema = schemathesis.openapi.from_asgi(f"{PATH}/openapi.json", Starlette(routes=API_ROUTES))


@schema.parametrize()
@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    derandomize=True,
)  # fmt: skip
def test_nothing_falls_over(engine: Engine, run_id: str, ann: TestClient, case: schemathesis.Case) -> None:
    """Whatever the description allows, and some that it does not: the answer is as described, and never a 5xx."""
    if "run_id" in case.path_parameters and len(str(case.path_parameters["run_id"])) % 2:
        case.path_parameters["run_id"] = run_id if case.method == "GET" else NEVER
    if case.path.endswith("/events"):
        case.path_parameters["run_id"] = NEVER
    case.call_and_validate(headers={"authorization": ann.headers["authorization"]}, excluded_checks=_NOT_MEANT)


def test_a_run_that_is_deleted_while_it_is_read_is_not_there(
    ann: TestClient, engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = GuardedEngine.results

    def deleted_meanwhile(self: GuardedEngine, asked: str) -> Results:
        found = whole(self, asked)
        engine.delete(asked)
        return found

    monkeypatch.setattr(GuardedEngine, "results", deleted_meanwhile)
    copy = engine.again(run_id)
    engine.submit(copy.id)
    engine.wait(copy.id)
    assert "There is no run" in is_problem(ann.get(f"/runs/{copy.id}/rows"), 404)["detail"]
    scope = {"type": "http", "path_params": {"run_id": copy.id}}
    assert awaited(say_incident(Request(scope), RuntimeError())).status_code == 404


def test_events_end_with_their_token(engine: Engine, run_id: str) -> None:
    """A run that was only checked does not end by itself."""
    guarded = GuardedEngine(engine, ANN)
    token, words = guarded.make_token("events", ("read",))
    scope = {"type": "http", "headers": [(b"authorization", f"Bearer {words}".encode())], "query_string": b""}

    async def watched() -> list[str]:
        said = []
        async for event in _events(Request(scope), guarded.again(run_id)):
            said.append(event["event"])
            guarded.revoke_token(token.id)
        return said

    assert awaited(asyncio.wait_for(watched(), 30)) == ["run", "error"]
