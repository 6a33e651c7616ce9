"""What is let through to Streamlit's upload route, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.limits import UploadLimits

HELD = {"mine": 60, "theirs": 100}


async def taken(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


@pytest.fixture
def client() -> TestClient:
    limits = Middleware(UploadLimits, one=100, together=200, held=lambda: HELD)
    return TestClient(Starlette(routes=[Route("/{rest:path}", taken, methods=["PUT", "GET"])], middleware=[limits]))


@pytest.mark.parametrize(
    ("path", "octets", "status"),
    [
        ("/_stcore/upload_file/mine/1", 40, 200),
        ("/_stcore/upload_file/mine/1", 41, 413),
        ("/_stcore/upload_file/new/1", 40, 200),
        ("/_stcore/upload_file/new/1", 41, 503),
        ("/elsewhere", 1000, 200),
    ],
)
def test_caps_for_one_and_for_all(client: TestClient, path: str, octets: int, status: int) -> None:
    assert client.put(path, content=b"x" * octets).status_code == status


def test_a_length_is_wanted(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"

    assert client.put("/_stcore/upload_file/mine/1", content=pieces()).status_code == 411


def test_uploads_that_are_over_do_not_count(client: TestClient) -> None:
    for _ in range(3):
        assert client.put("/_stcore/upload_file/mine/1", content=b"x" * 40).status_code == 200
