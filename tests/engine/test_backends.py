"""Which backend is taken, and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine import Settings
from engine.backends import BACKENDS, open_backend
from engine.errors import MissingPackage, UnknownBackend
from engine.runs.store import RunStore
from tests.pool import open_engine


def test_a_backend_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownBackend, match="no 'rey'. Did you mean 'ray'\\? Backends here: local, ray"):
        open_backend("rey")
    assert set(BACKENDS) >= {"local", "ray"}


def test_without_ray_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "engine.backends.cluster", raising=False)
    engine = open_engine(Settings(home=tmp_path, backend="ray"))
    with pytest.raises(MissingPackage, match="FORELIGHT_BACKEND=ray needs the package 'ray': pip install ray"):
        engine.runs()
    engine.close()
    assert RunStore(f"sqlite:///{tmp_path / 'forelight.db'}").ids() == frozenset()
