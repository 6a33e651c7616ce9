"""What a host's machinery is told: alive, ready or why not, and figures that add up."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.routes import operating
from dashboard.routes.operating import OPERATING_ROUTES, serve_metrics
from engine import AuditSearch, Engine, GuardedEngine, Settings, Source
from engine.access import Caller
from engine.errors import StoreError
from engine.settings import BUNDLED_MODELS
from tests.browser.serving import free_port
from tests.dashboard.conftest import TESTER, FinishedRun

MODEL = "diabetes-progression"
OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
PATIENTS = BUNDLED_MODELS / MODEL / "samples" / "patients.csv"


@pytest.fixture
def site(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The routes, asked from the server's own machine."""
    monkeypatch.setattr(operating, "_SECONDS_AN_ANSWER_IS_GOOD", -1.0)
    app = Starlette(routes=list(OPERATING_ROUTES))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:
        yield client


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Each figure by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_and_ready(site: TestClient) -> None:
    assert site.get("/healthz").status_code == 200
    answer = site.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_a_worker_that_died_is_started_again_by_being_asked(site: TestClient, shared_engine: Engine) -> None:
    assert site.get("/readyz").status_code == 200
    (reader,) = shared_engine._pool.readers
    before, process = (reader.pid, reader.restarts), reader._process
    assert process is not None
    process.kill()
    process.wait(30)
    assert site.get("/readyz").status_code == 200
    assert reader.pid is not None
    assert (reader.pid, reader.restarts) != before


def test_why_a_server_is_not_ready(
    site: TestClient, shared_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StoreError("The run store postgresql://db.example cannot be read: no route.")

    monkeypatch.setattr(shared_engine._open().store, "counts", refuse)
    monkeypatch.setattr(shared_engine, "settings", Settings(home=tmp_path, min_free_bytes=2**62))
    for worker in shared_engine._pool.readers:
        worker.close()
        monkeypatch.setattr(worker, "_begin", lambda *_: Path("/nowhere/python").stat())
    answer = site.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == [
        "The run store does not answer.",
        "The disk has too little room left.",
        "The worker reader-0 does not work: no process can be started.",
    ]
    assert site.get("/healthz").status_code == 200
    assert figures(site.get("/metrics").text)[("forelight_store_up",)] == 0


def test_figures_add_up(site: TestClient, shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run(MODEL)
    found = figures(site.get("/metrics").text)
    assert found[("forelight_runs", MODEL, "done")] == 1
    assert found[("forelight_runs_ended_total", MODEL, "done")] == 1
    assert found[("forelight_rows_total", MODEL, "predicted")] == run.rows_total
    assert found[("forelight_rows_total", MODEL, "failed")] == 0
    assert found[("forelight_prediction_seconds_total", MODEL)] > 0
    assert found[("forelight_queue_runs",)] == found[("forelight_queue_calls",)] == 0
    assert found[("forelight_storage_bytes", "used")] == run.bytes
    assert found[("forelight_worker_up", "device-0")] == 1
    assert found[("forelight_worker_memory_bytes", "device-0")] > 1e6
    assert found[("process_resident_memory_bytes",)] > 1e6
    assert ("forelight_sessions",) in found
    told = OPERATING.read_text(encoding="utf-8")
    unknown = {name for name, *_ in found if not name.startswith("process_") and f"`{name}`" not in told}
    assert not {name for name in unknown if not name.endswith("_created")}, "each figure is explained"
    shared_engine.delete(run.id)
    after = figures(site.get("/metrics").text)
    assert ("forelight_runs", MODEL, "done") not in after
    assert after[("forelight_runs_ended_total", MODEL, "done")] == 1, "what is deleted stays counted"


def test_a_proxy_or_another_site_is_not_this_machine(site: TestClient, shared_engine: Engine) -> None:
    for headers in (
        {"x-forwarded-for": "203.0.113.7"},
        {"sec-fetch-site": "cross-site"},
        {"host": "rebound.example"},
        {"origin": "http://evil.example"},
        {"authorization": "Bearer forelight_x"},
    ):
        assert site.get("/metrics", headers=headers).status_code == 404
    _, _, trail = shared_engine.access()
    assert [entry.action for entry in trail.entries()] == ["showed a wrong token"]


def test_a_port_of_its_own(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(shared_engine, "settings", Settings(metrics_port=port))
    with serve_metrics(shared_engine), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert ("forelight_store_up",) in figures(answer.read().decode())


def test_the_trail_has_what_leaves_no_run_and_what_nobody_did(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run(MODEL)
    visitor = GuardedEngine(shared_engine, Caller(TESTER, name="Ann"))
    for _ in range(3):
        visitor.predict_now(MODEL, [Source(PATIENTS.name, PATIENTS)])
    _, _, trail = shared_engine.access()
    (predicted,) = trail.entries(AuditSearch(action="predicted at once"))
    assert (predicted.visitor_name, predicted.model_id) == ("Ann", MODEL)
    assert trail.people() == {TESTER: "Ann"}
    shared_engine.settings = shared_engine.settings.model_copy(update={"keep_bytes": 1})
    shared_engine.sweep()
    (deleted,) = trail.entries(AuditSearch(action="deleted"))
    assert (deleted.run_id, deleted.visitor_name) == (run.id, "the server itself")
