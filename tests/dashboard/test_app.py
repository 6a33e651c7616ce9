"""The server as it is started: the pages, the routes beside them, the headers on both."""

from __future__ import annotations

import ast
from pathlib import Path

from starlette.testclient import TestClient

from dashboard.app import app

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


def test_streamlit_finds_the_app_by_reading_the_file() -> None:
    assigned = [node for node in ast.parse(APP.read_text()).body if isinstance(node, ast.Assign)]
    (call,) = [node.value for node in assigned if isinstance(node.targets[0], ast.Name) and node.targets[0].id == "app"]

    assert isinstance(call, ast.Call)
    assert ast.unparse(call.func) == "st.App"


def test_routes_and_pages_carry_the_headers() -> None:
    client = TestClient(app, base_url="http://127.0.0.1")
    nothing = client.get("/download/")
    page = client.get("/")

    assert (nothing.status_code, nothing.text) == (404, "There is nothing here.")
    for answer in (nothing, page):
        assert "img-src 'self' data: blob:" in answer.headers["content-security-policy"]


def test_no_folder_that_streamlit_takes_for_pages() -> None:
    assert not (APP.parent / "pages").exists()
