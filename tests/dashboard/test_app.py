"""The server as it is started: the pages, the routes beside them, the headers on both."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest
import streamlit.logger
from starlette.testclient import TestClient

from dashboard.app import app
from dashboard.logs import speak_through_one

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


@pytest.mark.parametrize("path", ["/", "/result?run=x", "/static/index.html", "/nothing"])
def test_the_frame_of_every_page_is_ours(path: str) -> None:
    """Streamlit's, each of its parts that we want otherwise found and changed."""
    answer = TestClient(app, base_url="http://127.0.0.1").get(path)
    for ours in ("<title>Forelight</title>", "BACKEND_BASE_URL", "inter-latin", "data:image/png", 'class="coming"'):
        assert answer.text.count(ours) == 1, ours
    assert answer.text.count("<noscript>") == 1
    assert not re.search(">Streamlit|Streamlit app|SourceSans|favicon.png|service-desc", answer.text)


def test_no_folder_that_streamlit_takes_for_pages() -> None:
    assert not (APP.parent / "pages").exists()


def test_streamlits_words_are_lines_of_the_servers_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of loggers that it has made already, and of those that it makes later, once each."""
    monkeypatch.setattr(streamlit.logger, "setup_formatter", streamlit.logger.setup_formatter)  # as it was, later
    known = streamlit.logger.get_logger("streamlit.known_in_a_test")
    monkeypatch.setattr(logging.root.manager, "loggerDict", {known.name: known})
    speak_through_one()
    later = streamlit.logger.get_logger("streamlit.made_in_a_test")
    known.warning("first")
    later.warning("second")
    assert [record.getMessage() for record in caplog.records] == ["first", "second"]
    assert capsys.readouterr().err == ""
