"""Versions on the pages and in the API: chosen, compared in one click, rolled back by hosts alone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from engine import AuditSearch, Caller, Engine, GuardedEngine, Options, Run, Search
from engine.errors import CheckpointError, NotAllowed
from tests.dashboard.conftest import TESTER, sharing_engine
from tests.dashboard.test_pages import button, opened, words
from tests.dashboard.test_v1 import client_of, is_problem
from tests.engine.versioned import shifted, write_versioned

LINES = "a,b,c,d,truth\n1,2,3,4,1\n2,2,2,2,2\n0,0,0,1,3\n"
SCOPES = ("models", "read", "run", "operate")
BOSS = Caller("boss", "host", "boss@example.org")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_versioned(tmp_path_factory.mktemp("made") / "price", target="truth")
    (folder / "rows.csv").write_text(LINES)
    return folder


@pytest.fixture
def engine(tmp_path: Path, made: Path) -> Iterator[Engine]:
    shutil.copytree(made, tmp_path / "models" / "price")
    with sharing_engine(tmp_path / "home", tmp_path / "models") as shared:
        yield shared


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.access.callers._asked", lambda: ({"host": "localhost", "origin": ""}, "127.0.0.1"))
    monkeypatch.setattr("dashboard.access.callers.at_this_machine", lambda *_, **__: True)


def finished(engine: Engine, version: str = "") -> Run:
    run = engine.check(
        "price", engine.sample_sources("price", "rows"), version=version, keep_files=True, visitor=TESTER
    )
    engine.submit(run.id, Options())
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return ended


def choice(app: AppTest, label: str) -> Any:
    return next(each for each in (*app.radio, *app.selectbox) if each.label == label)


def test_a_visitor_may_choose_a_version_and_gets_the_default_otherwise(engine: Engine) -> None:
    app = opened(model="price")
    chosen = choice(app, "Version")
    assert (chosen.value, chosen.options) == ("1", ["1 (default)", "2"])
    button(app, "rows").click().run()
    checked = [run for run in _checked(engine) if run.version == "1"]
    assert len(checked) == 1
    choice(app, "Version").set_value("2").run()
    assert not app.exception
    assert [run.version for run in _checked(engine)] == ["2"], "checked anew, and nothing of the other is left"
    button(app, "Predict 3 rows").click().run()
    assert [run.version for run in engine.runs()] == ["2"]


def test_a_roll_back_chooses_for_a_visitor_who_did_not(engine: Engine) -> None:
    app = opened(model="price")
    engine.set_default("price", "2")
    app.run()
    assert choice(app, "Version").value == "2"
    assert "version" not in app.query_params
    linked = opened(model="price", version="1")
    assert choice(linked, "Version").value == "1"
    assert choice(opened(model="price", version="nothing"), "Version").value == "2"


def test_versions_stand_side_by_side_and_only_hosts_choose(engine: Engine) -> None:
    app = opened("models", model="price")
    table = app.dataframe[0].value
    assert table["Version"].to_list() == ["2", "1"]
    assert table["RMSE"].to_list() == [1.5, 2.5]
    assert table["Default"].to_list() == ["", "✓"]
    assert "Make it the default" not in [each.label for each in app.button]


def test_a_host_rolls_back_on_the_page_and_it_is_noted(engine: Engine, host: None) -> None:
    app = opened("models", model="price")
    choice(app, "Version").set_value("2").run()
    button(app, "Make it the default").click().run()
    assert not app.exception
    assert engine.model("price").version == "2"
    assert app.dataframe[0].value["Default"].to_list() == ["✓", ""]
    assert button(app, "Make it the default").disabled
    _, _, trail = engine.access()
    noted = [(each.action, each.model_id, each.detail) for each in trail.entries(AuditSearch(action="set the default"))]
    assert noted == [("set the default", "price", "1 → 2")]


def test_compared_with_another_version_in_one_click(engine: Engine) -> None:
    run = finished(engine)
    app = opened("result", run=run.id)
    assert "version 1" in words(app)
    button(app, "With version 2").click().run()
    assert not app.exception
    other = next(each for each in engine.runs() if each.id != run.id)
    engine.wait(other.id)
    assert (other.version, other.source_sha256) == ("2", run.source_sha256)
    compared = opened("compare", a=run.id, b=other.id)
    said = words(compared)
    assert "Value by value" in said
    metrics = {metric.label.split(" ")[0]: metric.value for metric in compared.metric}
    assert metrics["Agreement"] == "0.0%"
    again = GuardedEngine(engine, Caller(TESTER)).by_version(run.id, "2")
    assert again.id == other.id, "what is answered is not predicted again"
    assert {each.state for each in engine.runs()} == {"done"}


def test_a_comparison_waits_for_the_other_run(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(engine)
    waiting = engine.check("price", engine.sample_sources("price", "rows"), version="2", visitor=TESTER)
    said = words(opened("compare", a=run.id, b=waiting.id))
    assert "You may close this page" in said


def test_the_api_knows_versions(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "settings", engine.settings.model_copy(update={"login": True, "hosts": (BOSS.name,)}))
    ann, boss = client_of(engine, Caller("ann")), client_of(engine, BOSS, *SCOPES)
    told = ann.get("/models/price/versions").json()
    assert [(each["name"], each["default"], each["figures"][0]["value"]) for each in told] == [
        ("1", True, 2.5),
        ("2", False, 1.5),
    ]
    rows = {"rows": [{"a": 1, "b": 2, "c": 3, "d": 4}]}
    first, second = (_y(ann, rows, version) for version in ("", "2"))
    assert second == pytest.approx(first + 1, rel=1e-5)
    made = ann.post("/models/price/runs", params={"name": "r.csv", "version": "2"}, content=LINES.encode()).json()
    assert made["version"] == "2"
    engine.wait(made["id"])
    upload = ann.post("/uploads", params={"name": "r.csv"}, content=LINES.encode()).json()["id"]
    assert ann.post("/runs", json={"model": "price", "uploads": [upload]}).json()["version"] == "1"
    other = ann.post(f"/runs/{made['id']}/by-version", json={"version": "1"})
    assert (other.status_code, other.json()["version"]) == (201, "1")
    is_problem(ann.post(f"/runs/{made['id']}/by-version", json={"version": "9"}), 404)
    is_problem(ann.put("/models/price/default", json={"version": "2"}), 403)
    assert ann.get("/models/price").json()["version"] == "1"
    assert boss.put("/models/price/default", json={"version": "2"}).json()["version"] == "2"
    assert _y(ann, rows, "") == second
    is_problem(boss.put("/models/price/default", json={"version": "9"}), 404)
    is_problem(ann.post("/models/price/predictions", params={"version": "9"}, json=rows), 404)


@pytest.fixture
def taking(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints may be brought."""
    on = {"login": True, "hosts": (BOSS.name,), "checkpoint_uploads": True}
    monkeypatch.setattr(engine, "settings", engine.settings.model_copy(update=on))


def send(client: TestClient, content: Any) -> Any:
    return client.post("/models/price/versions", params={"name": "x.ckpt", "note": "new"}, content=content)


def test_a_host_brings_a_version_by_the_api(engine: Engine, taking: None, tmp_path: Path) -> None:
    folder = engine.model("price").folder
    content = shifted(folder / "model.ckpt", tmp_path / "x.ckpt", 7.0).read_bytes()
    ann, boss = client_of(engine, Caller("ann")), client_of(engine, BOSS, *SCOPES)
    for client in (ann, client_of(engine, BOSS, "models", "read", "run")):
        assert is_problem(send(client, content), 403)["detail"] == "Only hosts may do that."
    made = send(boss, content)
    assert made.status_code == 201, made.text
    assert (made.json()["name"], made.json()["note"], made.json()["default"]) == ("3", "new", False)
    assert made.json()["sha256"] == hashlib.sha256(content).hexdigest()
    rows = {"rows": [{"a": 1, "b": 2, "c": 3, "d": 4}]}
    assert _y(ann, rows, "3") == pytest.approx(_y(ann, rows, "") + 7, rel=1e-5)
    assert "is version 3 of 'price' already" in is_problem(send(boss, content), 422)["detail"]
    assert is_problem(boss.post("/models/nothing/versions", params={"name": "x"}, content=content), 404)
    _, _, trail = engine.access()
    noted = [(each.action, each.model_id, each.detail.partition(",")[0]) for each in trail.entries(limit=9)]
    assert {("added a version", "price", "3"), ("refused a checkpoint", "price", "CheckpointError")} <= set(noted)
    assert engine.uploads.bytes() == 0


@pytest.mark.parametrize("sized", [True, False])
def test_a_checkpoint_has_a_size(engine: Engine, taking: None, monkeypatch: pytest.MonkeyPatch, sized: bool) -> None:
    """At the limit it is looked at; one byte above it is not, nor is a body that does not say how long it is."""
    few = engine.settings.model_copy(update={"max_checkpoint_bytes": 1_000})
    monkeypatch.setattr(engine, "settings", few)
    boss = client_of(engine, BOSS, *SCOPES)
    content = b"x" * 1_001
    sent = send(boss, content if sized else iter([content[:500], content[500:]]))
    assert "may have 0.001 MB" in is_problem(sent, 413)["detail"]
    with GuardedEngine(engine, BOSS).begin_checkpoint("price", "x.ckpt", 1_000) as coming:
        coming.write(content[:1_000])
        assert coming.finish().size == 1_000


def test_nobody_brings_a_checkpoint_where_it_is_off(engine: Engine) -> None:
    boss = GuardedEngine(engine, BOSS)
    for call in (lambda: boss.begin_checkpoint("price", "x"), lambda: boss.add_checkpoint("price", "a" * 26)):
        with pytest.raises(NotAllowed, match="takes no checkpoints, unless FORELIGHT_CHECKPOINT_UPLOADS=1"):
            call()


def test_a_host_brings_a_version_on_the_page(
    engine: Engine, host: None, taking: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with a file is said, and the note stays for the next one."""
    monkeypatch.setattr(engine, "settings", engine.settings.model_copy(update={"login": False}))
    folder = engine.model("price").folder
    app = opened("models", model="price")
    assert "Add a version" in [each.label for each in app.expander]
    bring(app, engine, (folder / "second.ckpt").read_bytes())
    app.text_input[0].set_value("of *May*")
    button(app, "Try it and add it").click().run()
    assert [each.value for each in app.error] == ["x.ckpt is version 2 of 'price' already."]
    bring(app, engine, b"not wanted")
    assert app.text_input[0].value == "of *May*"
    button(app, "Use another file").click().run()
    assert engine.uploads.bytes() == 0
    bring(app, engine, shifted(folder / "model.ckpt", tmp_path / "x.ckpt", 7.0).read_bytes())
    button(app, "Try it and add it").click().run()
    assert not app.exception
    assert not app.error
    made = engine.model("price").versions[-1]
    assert (made.name, made.note, choice(app, "Version").value) == ("3", "of *May*", "3")
    assert engine.uploads.bytes() == 0


def bring(app: AppTest, engine: Engine, content: bytes) -> None:
    """What the page is told once the browser has sent a checkpoint."""
    with engine.uploads.begin(TESTER, "x.ckpt") as coming:
        coming.write(content)
        app.session_state["new-checkpoint-price"] = coming.finish().id
    app.run()
    assert not app.exception


def test_a_version_that_does_not_load_becomes_nobodys_default(engine: Engine) -> None:
    (engine.model("price").folder / "second.ckpt").write_bytes(b"x")
    with pytest.raises(CheckpointError):
        GuardedEngine(engine, BOSS).set_default("price", "2")
    assert engine.model("price").version == "1"


def _y(client: TestClient, rows: dict[str, Any], version: str) -> float:
    answer = client.post("/models/price/predictions", params={"version": version}, json=rows)
    assert answer.status_code == 200, answer.text
    return float(answer.json()["rows"][0]["y"])


def _checked(engine: Engine) -> list[Run]:

    return list(engine.runs(Search(states=("checked",))))
