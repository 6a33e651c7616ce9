"""The host's folders on the Predict page and in the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard.v1.app import api
from engine import Caller, Engine, GuardedEngine
from engine.settings import BUNDLED_MODELS
from tests.dashboard.conftest import TESTER, sharing_engine

MODEL = "diabetes-progression"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Engine]:
    """The engine of page and API, with a folder, and a store that nothing is known of."""
    with sharing_engine(tmp_path, lake=f"<b>lab*={BUNDLED_MODELS / MODEL};gone=none://bucket/x") as shared:
        yield shared


def looking(**state: object) -> AppTest:
    """What a visitor sees who opened the folders."""

    def page() -> None:
        import streamlit as st

        from dashboard.access.callers import this_engine
        from dashboard.components.lake import _look_through

        engine = this_engine()
        _look_through(engine, "m", engine.lake_names(), lambda upload: st.write(f"{upload.name}: {upload.size}"))

    app = AppTest.from_function(page)
    app.session_state["visitor"] = TESTER
    for name, value in state.items():
        app.session_state[name] = value
    return app.run()


def test_a_visitor_goes_into_a_folder_and_takes_a_file(lake: Engine) -> None:
    app = looking()
    assert app.markdown[0].value.endswith(r" \<b\>lab\*")
    assert app.button[0].disabled, "no file is chosen yet"
    app.selectbox[1].select_index(0).run()
    assert app.markdown[0].value.endswith(r" \<b\>lab\*/samples")
    names = list(app.selectbox[1].options)
    assert "patients.csv (1.3 kB)" in names
    app.selectbox[1].select_index(names.index("patients.csv (1.3 kB)")).run()
    app.button[1].click().run()
    assert not app.exception
    assert app.markdown[1].value.startswith("patients.csv: ")
    app.button[0].click().run()
    assert app.markdown[0].value.endswith(r" \<b\>lab\*"), "one folder up"

    app.selectbox[0].select("gone").run()
    assert "does not answer" in app.warning[0].value
    assert "bucket" not in app.warning[0].value


def test_a_program_lists_takes_and_predicts(lake: Engine) -> None:
    _, words = GuardedEngine(lake, Caller("ann")).make_token("test", ("run", "read"))
    ann = TestClient(api, root_path="", headers={"authorization": f"Bearer {words}"})
    assert ann.get("/lake").json() == ["<b>lab*", "gone"]
    lab = "/lake/%3Cb%3Elab%2A"
    assert {"name": "samples", "path": "samples", "is_folder": True, "size": 0} in ann.get(lab).json()
    taken = ann.post(lab, params={"path": "samples/patients.csv"})
    assert (taken.status_code, taken.json()["name"]) == (201, "patients.csv")
    assert ann.post("/runs", json={"model": MODEL, "uploads": [taken.json()["id"]]}).status_code in (201, 202)
    for path in ("../digits/card.yaml", "/etc/passwd", "samples"):
        assert ann.post(lab, params={"path": path}).status_code == 404
    assert ann.get("/lake/..%2F").status_code == 404
    assert ann.get("/lake/gone").status_code == 503
