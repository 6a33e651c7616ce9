"""The host's page: everybody's runs to see and stop, the trail, the settings; a visitor is not even told of it."""

from __future__ import annotations

import csv
import io

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.routes.trail import TRAIL_ROUTES, trail_path
from engine import AuditSearch, Caller, Engine, GuardedEngine, Options
from engine.errors import NotAllowed
from tests.dashboard.conftest import FinishedRun
from tests.dashboard.test_pages import button, opened, words

MODEL = "diabetes-progression"


@pytest.fixture
def at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is looked at from the server's own machine."""
    asked = {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}
    monkeypatch.setattr("dashboard.access.callers._asked", lambda: (asked, "127.0.0.1"))


@pytest.mark.usefixtures("at_the_machine")
def test_the_queue_says_whose_turn_it_is_and_can_be_stopped(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = GuardedEngine(shared_engine, Caller("somebody", name="Ann ![x](http://evil.example)"))
    backend = shared_engine._open().backend
    monkeypatch.setattr(backend, "_start_threads", lambda: None)  # nobody takes what waits
    run = owner.check(MODEL, owner.sample_sources(MODEL, owner.samples(MODEL)[0].title))
    owner.submit(run.id, Options(on_error="report"))
    app = opened("host")
    assert "1. **" in words(app)
    assert "Ann !" in words(app), "escaped, whole"
    button(app, "Stop").click().run()
    assert shared_engine.wait(run.id, 10).state == "cancelled"
    assert "Nothing waits." in words(app.run())


@pytest.mark.usefixtures("at_the_machine")
def test_tabs_show_everything_a_host_wants(shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run(MODEL)
    somebody = GuardedEngine(shared_engine, Caller("somebody", name="Ann"))
    somebody.make_token("nightly", ["read"])
    somebody.download(run.id, "csv")
    assert "visitor " in words(opened("host", **{"host-tab": "Runs"})), "another's run, by a mark"
    trail = opened("host", **{"host-tab": "Trail", "about": run.id}).dataframe[0].value
    assert {"saw", "downloaded"} == set(trail["Did"])
    assert set(trail["Who"]) == {"Ann"}
    assert "nightly" in words(opened("host", **{"host-tab": "Tokens"}))
    settings = opened("host", **{"host-tab": "Settings"}).dataframe[0].value
    assert settings["Variable"].str.startswith("FORELIGHT_").all()
    app = opened("host", **{"host-tab": "Now"})
    assert {metric.label for metric in app.metric} >= {"Running", "Waiting", "Workers", "Disk has left"}


def test_the_trail_is_downloaded_as_it_was_found(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = GuardedEngine(shared_engine, Caller("number-of-a-browser", name="=cmd|' /C calc'!A0"))
    somebody.make_token("nightly", ["read"])
    GuardedEngine(shared_engine, Caller("another")).make_token("nightly", ["read"])
    monkeypatch.setattr("dashboard.routes.trail.operator_of", lambda request: Caller("eve", "host", "Eve"))
    with TestClient(Starlette(routes=list(TRAIL_ROUTES))) as site:
        for visitor, expected in (("number-of-a-browser", ["'=cmd|' /C calc'!A0"]), ("nobody", []), ("", None)):
            answer = site.get(trail_path(AuditSearch(visitor, action="made a token", since="2026-01-01")))
            lines = list(csv.DictReader(io.StringIO(answer.text)))
            whom = [line["who"] for line in lines]
            assert whom == (["visitor ae448a", "'=cmd|' /C calc'!A0"] if expected is None else expected)
            assert "number-of-a-browser" not in answer.text
            assert answer.headers["content-disposition"] == 'attachment; filename="trail.csv"'
    assert len(shared_engine.access()[2].entries(AuditSearch(action="downloaded"))) == 3


def test_a_visitor_finds_no_such_page(shared_engine: Engine) -> None:
    guarded = GuardedEngine(shared_engine, Caller("somebody"))
    calls = (
        guarded.operate,
        guarded.workers,
        guarded.standing,
        guarded.metrics,
        guarded.all_runs,
        guarded.count_all_runs,
        guarded.settings_in_force,
        guarded.people,
        guarded.audit,
        guarded.download_audit,
        guarded.count_audit,
        guarded.audit_actions,
    )
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    with pytest.raises(ValueError, match="host"):
        opened("host")
