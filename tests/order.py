"""Which file of tests is begun when, and which share a process, where several processes test: the long ones first."""

from __future__ import annotations

_SAME = ("main_job", "rows", "judging", "report", "keyboard", "snippets", "versions", "lake", "found")
_ON_ONE_SERVER = {f"tests/browser/test_{name}.py" for name in _SAME}
LONG = (
    "threats/test_threat_20_kill",
    "browser/test_main_job",
    "browser/test_two_servers",
    "browser/test_million",
    "browser/test_uploads",
    "dashboard/test_pages",
    "browser/test_login",
    "browser/test_runs",
    "test_readme",
    "engine/test_training",
    "engine/test_life",
    "engine/test_workers",
    "browser/test_exploring",
    "engine/test_draft",
    "engine/test_batch_size",
    "engine/test_lightning_cli",
)


def rank(nodeid: str) -> tuple[int, bool]:
    """Sorts tests: long files by their length, which leaves none of them for the end; then all others as they are."""
    file, scope = nodeid.partition("::")[0], scope_of(nodeid)
    place = next((place for place, name in enumerate(LONG) if scope == f"tests/{name}.py"), len(LONG))
    return place, scope != file


def scope_of(nodeid: str) -> str:
    """What is not divided among processes: a file, or all files whose pages the one server of a process shows."""
    file = nodeid.partition("::")[0]
    return "tests/browser/test_main_job.py" if file in _ON_ONE_SERVER else file
