"""Threat 17: a token does what its person may by now; a page of another program here is no host's.

That events end with their token: tests/dashboard/test_v1.py.
"""

from __future__ import annotations

import pytest
from starlette.requests import Request

from dashboard.access.callers import at_this_machine, caller_of
from engine import Caller, Engine, GuardedEngine
from tests.dashboard.test_v1 import engine

__all__ = ["engine"]


def request_with(token: str) -> Request:
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"host", b"example.org")]
    return Request({"type": "http", "headers": headers, "query_string": b"", "client": ("203.0.113.7", 1)})


@pytest.mark.parametrize(
    ("name", "allowed", "role", "scopes"),
    [
        ("eve@x.org", {"visitors": ("@x.org",), "hosts": ("eve@x.org",)}, "host", {"read", "operate"}),
        ("eve@x.org", {"visitors": ("@x.org",), "hosts": ("other@x.org",)}, "visitor", {"read"}),
        ("eve@x.org", {"visitors": ("@x.org",)}, "visitor", {"read"}),
        ("eve@x.org", {"visitors": ("other@x.org", "@y.org")}, "nobody", set()),
        ("eve@x.org", {"visitors": ("@y.org",), "hosts": ("eve@x.org",)}, "host", {"read", "operate"}),
        ("", {"visitors": ("@y.org",)}, "nobody", set()),
        ("Eve", {"host_claim": "groups:admins", "visitors": ("@y.org",)}, "host", {"read", "operate"}),
        ("eve@x.org", {"login": False, "visitors": ("@y.org",)}, "host", {"read", "operate"}),
    ],
)
def test_a_token_can_do_what_its_person_can_by_now(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, allowed: dict[str, object], role: str, scopes: set[str]
) -> None:
    _, words = GuardedEngine(engine, Caller("eve", "host", name)).make_token("t", ("read", "operate"))
    monkeypatch.setattr(engine, "settings", engine.settings.model_copy(update=allowed))
    found = caller_of(request_with(words))
    assert (found.role, found.scopes if found.role != "nobody" else set()) == (role, scopes)


@pytest.mark.parametrize(
    ("host", "origin", "is_host"),
    [
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("localhost:8501", "http://localhost:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("127.0.0.1:8501", "http://localhost:3000", False),
        ("127.0.0.1:8501", "http://127.0.0.1:3000", False),
        ("127.0.0.1:8501", "null", False),
        ("127.0.0.1:8501", "", False),
        ("example.org", "https://example.org", False),
    ],
)
def test_a_page_of_another_program_on_this_machine_is_no_host(host: str, origin: str, is_host: bool) -> None:
    """Streamlit lets pages of any port of this machine begin a session."""
    assert at_this_machine({"host": host, "origin": origin}, "127.0.0.1", page=True) is is_host
