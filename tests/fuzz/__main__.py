"""`make fuzz`: every guard under atheris and under hypothesis, and docs/fuzzing.md with what was tried and found.

`python -m tests.fuzz zip csv` tries these only, `--share 0.1` a tenth of the inputs; the report is then only printed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.guards import GUARDS, folder
from tests.fuzz.structured import STRUCTURED

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "kept"
REPORT = ROOT / "docs" / "fuzzing.md"
EXAMPLES = 1_500
_STAT = r"stat::{}:\s*(\d+)"


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one guard."""

    guard: str
    by_coverage: int
    made_up: int
    seconds: float
    slowest: int
    memory: int
    found: tuple[str, ...]


def main(names: Sequence[str], share: float) -> int:
    begun, asked = time.monotonic(), list(names or GUARDS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each in a process of its own
        tried = list(pool.map(lambda name: _tried(name, share), asked))
    tried = [_made_up(each, max(1, int(EXAMPLES * share))) for each in tried]
    report = _report(tried, time.monotonic() - begun)
    print(report)
    if not names and share == 1:
        REPORT.write_text(report, encoding="utf-8")
    shutil.rmtree(folder(), ignore_errors=True)
    return sum(len(each.found) for each in tried)


def _tried(name: str, share: float) -> Tried:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        seeds, found = Path(temporary, "seeds"), ROOT / ".fuzzing" / name.replace(" ", "-")
        seeds.mkdir()
        found.mkdir(parents=True, exist_ok=True)
        kept = [path.read_bytes() for path in (KEPT / name.replace(" ", "-")).glob("*")]
        for number, content in enumerate([*GUARDS[name].seeds(), *kept]):
            (seeds / str(number)).write_bytes(content)
        said = _under_atheris(name, max(1, int(GUARDS[name].runs * share)), seeds, found)
    findings = tuple(str(path.relative_to(ROOT)) for path in found.iterdir())
    if not re.search(_STAT.format("number_of_executed_units"), said):
        findings += ("it did not run",)
    units, slowest, memory = (
        int((re.findall(_STAT.format(what), said) or ["0"])[-1])
        for what in ("number_of_executed_units", "slowest_unit_time_sec", "peak_rss_mb")
    )
    now = Tried(name, units, 0, time.monotonic() - begun, slowest, memory, findings)
    print(now, file=sys.stderr, flush=True)
    return now


def _made_up(tried: Tried, examples: int) -> Tried:
    """The same, with inputs that hypothesis made up."""
    begun = time.monotonic()
    made, failed = _under_hypothesis(tried.guard, examples)
    seconds = tried.seconds + time.monotonic() - begun
    return replace(tried, made_up=made, seconds=seconds, found=(*tried.found, *failed))


def _under_atheris(name: str, runs: int, seeds: Path, found: Path) -> str:
    """What it said. It ends at the first finding, which lies in `found` then."""
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(runs), str(seeds), str(found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        print(done.stdout[-2_000:], done.stderr[-2_000:], file=sys.stderr)
    return done.stdout + done.stderr


def _under_hypothesis(name: str, examples: int) -> tuple[int, list[str]]:
    """(how many inputs it made up, what failed)."""
    if name not in STRUCTURED:
        return 0, []
    made = 0

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(STRUCTURED[name])
    def holds(content: bytes) -> None:
        nonlocal made
        made += 1
        GUARDS[name].check(content)

    try:
        holds()
    except BaseException as exc:  # whatever leaves a guard is a finding
        print(f"{name}: {exc!r}\n{getattr(exc, '__notes__', '')}", file=sys.stderr)
        return made, [f"{type(exc).__name__}"]
    return made, []


def _report(tried: Sequence[Tried], seconds: float) -> str:
    inputs = sum(each.by_coverage + each.made_up for each in tried)
    found = sum(len(each.found) for each in tried)
    kept = sorted(f"{path.parent.name}: {path.name.replace('-', ' ')}" for path in KEPT.glob("*/*"))
    lines = [
        "# Fuzzing",
        "",
        f"Written by `make fuzz` on {date.today()}: **{inputs:,} inputs** in {seconds:,.0f} s, "
        f"{found or 'nothing'} found. Python {sys.version.split()[0]}, atheris {version('atheris')}, "
        f"hypothesis {version('hypothesis')}.",
        "",
        "Each guard stands between a visitor's bytes and what reads them. It may take them or refuse them with a "
        "sentence; an input is found where anything else leaves it, where it takes more than 10 s or 1,000 MiB, or "
        "where what it lets through is not what it promises (`tests/fuzz/guards.py`). atheris changes real files and "
        "keeps what reaches new lines of ours; hypothesis makes up whole ones with something wrong in one place.",
        "",
        "| guard | inputs by atheris | by hypothesis | seconds | slowest, s | memory, MiB | found |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.guard} | {each.by_coverage:,} | {each.made_up:,} | {each.seconds:,.0f} | "
        f"{each.slowest or '< 1'} | {each.memory:,} | {', '.join(each.found) or '0'} |"
        for each in tried
    ]
    lines += [
        "",
        "The memory is that of the whole process, Python and its libraries included.",
        "",
        "What was found before is mended, and kept in `tests/fuzz/kept`, which every run of the tests tries again:",
        "",
        *(f"- {each}" for each in kept),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[[], *GUARDS])
    parser.add_argument("--share", type=float, default=1.0)
    asked = parser.parse_args()
    sys.exit(bool(main(asked.names, asked.share)))
