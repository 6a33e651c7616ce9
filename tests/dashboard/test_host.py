"""The host's page: everybody's runs to see and stop, the trail, the settings; a visitor is not even told of it."""

from __future__ import annotations

import pytest

from engine import Caller, Engine, GuardedEngine, Options
from engine.errors import NotAllowed
from tests.dashboard.conftest import FinishedRun
from tests.dashboard.test_pages import button, opened, words

MODEL = "diabetes-progression"


@pytest.fixture
def at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is looked at from the server's own machine."""
    asked = {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}
    monkeypatch.setattr("dashboard.callers._asked", lambda: (asked, "127.0.0.1"))


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
        guarded.count_audit,
        guarded.audit_actions,
    )
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    with pytest.raises(ValueError, match="host"):
        opened("host")
