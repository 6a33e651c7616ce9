"""Threat 4 at the API: nobody's body is read, and no JSON fills the memory; with a length, or without one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from dashboard.v1.app import api
from engine import Engine
from tests.awaiting import awaited
from tests.dashboard.test_v1 import MODEL, NEVER, ann, engine

__all__ = ["ann", "engine"]
MOST = 10_000
PIECE = b" " * 1_000
PARSED = (f"/models/{MODEL}/predictions", "/runs", f"/runs/{NEVER}/start", f"/runs/{NEVER}/shares")


@pytest.fixture
def small(engine: Engine) -> Iterator[None]:
    before = engine.settings
    engine.settings = before.model_copy(update={"max_json_bytes": MOST})
    yield
    engine.settings = before


def sent(path: str, pieces: int, *, length: bool, token: str = "") -> tuple[int, str, int]:
    """(status, type of the answer, pieces that were taken) of a POST of so many pieces."""
    taken, said = 0, []

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": PIECE, "more_body": taken < pieces}

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", token.encode())]
    headers.append((b"content-length", str(pieces * len(PIECE)).encode()) if length else (b"transfer-encoding", b"x"))
    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "query_string": b"name=x.csv"}
    awaited(api({**scope, "headers": headers, "client": ("203.0.113.7", 1)}, receive, send))
    return said[0]["status"], dict(said[0]["headers"])[b"content-type"].decode(), taken


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("path", [*PARSED, "/uploads", f"/models/{MODEL}/runs", f"/models/{MODEL}/versions", "/x"])
def test_nobodys_body_is_not_read(engine: Engine, path: str, length: bool) -> None:
    for token in ("", "Bearer forelight_made-up"):
        assert sent(path, 5, length=length, token=token) == (401, "application/problem+json", 0)


@pytest.mark.parametrize("path", PARSED)
def test_json_at_the_limit_and_one_above(ann: TestClient, small: None, path: str) -> None:
    token = ann.headers["authorization"]
    for length in (True, False):
        assert sent(path, 10, length=length, token=token) == (422, "application/problem+json", 10)
        taken = 0 if length else 11
        assert sent(path, 500, length=length, token=token) == (413, "application/problem+json", taken)


def test_files_go_to_the_disk_as_before(ann: TestClient, small: None) -> None:
    assert ann.post("/uploads", params={"name": "x.csv"}, content=PIECE * 100).status_code == 201


def test_no_file_is_read_more_than_once(ann: TestClient) -> None:
    assert ann.post("/runs", json={"model": MODEL, "uploads": [NEVER]}).status_code == 404
    twice = ann.post("/runs", json={"model": MODEL, "uploads": [NEVER, NEVER]})
    assert (twice.status_code, "named twice" in twice.text) == (422, True)


def test_what_comes_in_pieces_is_parsed_whole(ann: TestClient) -> None:
    pieces = [b'{"model": "x", ', b'"uploads": ', json.dumps([NEVER]).encode(), b"}"]
    headers = {"content-type": "application/json"}
    assert ann.post("/runs", content=iter(pieces), headers=headers).status_code == 404
    assert ann.post("/runs", content=iter(pieces[:-1]), headers=headers).status_code == 422
