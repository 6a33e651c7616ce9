"""The guards at every run: what fuzzing once found, and some made-up inputs. `make fuzz` tries a million."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.guards import GUARDS
from tests.fuzz.structured import STRUCTURED

KEPT = Path(__file__).parent / "kept"


@pytest.mark.parametrize("path", sorted(KEPT.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    """Named by the guard and by what was wrong; each failed once."""
    GUARDS[path.parent.name.replace("-", " ")].check(path.read_bytes())


@pytest.mark.parametrize("name", STRUCTURED)
def test_made_up_ones(name: str) -> None:
    @settings(max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(STRUCTURED[name])
    def holds(content: bytes) -> None:
        GUARDS[name].check(content)

    holds()


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_takes_what_it_should(name: str) -> None:
    for content in GUARDS[name].seeds():
        GUARDS[name].check(content)
