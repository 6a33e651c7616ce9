"""The page that the load bench writes: what was seen, against what is promised, and what else the machine did."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from time import perf_counter

import psutil

from tests.bench.memory import held

MOST_SECONDS, MOST_GROWTH = 1.0, 1.10
_NOT_INTERACTIONS = ("until a run has ended",)


@dataclass
class Seen:
    """What all visitors met with."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    bytes: int = 0
    hashes: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def timed(self, kind: str) -> AsyncIterator[None]:
        """Notes how long the body takes, or that it failed."""
        began = perf_counter()
        try:
            yield
        except Exception as error:
            self.errors.append(f"{kind}: {type(error).__name__}: {str(error)[:200]}")
        else:
            self.seconds[kind].append(perf_counter() - began)


@dataclass(frozen=True)
class Moment:
    """What server, workers, client and the whole machine held and had computed at one moment; load by the system."""

    at: float
    memory: tuple[int, int]
    spent: tuple[float, float, float, float]
    load: float

    @classmethod
    def now(cls, pid: int) -> Moment:
        server, client = psutil.Process(pid), psutil.Process()
        workers = server.children(recursive=True)
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        everything = sum(getattr(machine, name) for name in ("user", "nice", "system", "idle", "iowait", "steal"))
        spent = (_spent(server), sum(map(_spent, workers)), _spent(client), everything - idle)
        return cls(perf_counter(), (held(pid), sum(held(each.pid) for each in workers)), spent, os.getloadavg()[1])


@dataclass(frozen=True)
class Load:
    """One run of the bench: idle, at the begin and the end of the load, and a minute after."""

    visitors: int
    rows: int
    seen: Seen
    idle: Moment
    end: Moment
    after: Moment
    problems: list[str]

    @property
    def errors(self) -> list[str]:
        return self.seen.errors + self.problems

    @property
    def grown(self) -> float:
        return sum(self.after.memory) / sum(self.idle.memory)

    @property
    def waits(self) -> list[float]:
        """Seconds of all that a person waits for; the end of a prediction is not among it, as runs take turns."""
        kinds = (times for kind, times in self.seen.seconds.items() if kind not in _NOT_INTERACTIONS)
        return [seconds for times in kinds for seconds in times]

    @property
    def good(self) -> bool:
        """Whether all promises were kept."""
        kept = quantile(self.waits, 95) < MOST_SECONDS and self.grown <= MOST_GROWTH
        return kept and not self.errors and len(self.seen.hashes) == self.visitors

    def page(self) -> str:
        """As markdown."""
        seen, took = self.seen, self.end.at - self.idle.at
        cores = [(end - begin) / took for begin, end in zip(self.idle.spent, self.end.spent, strict=True)]
        others = max(0.0, cores[3] - sum(cores[:3]))
        lines = [
            "# Load",
            "",
            f"Written by `make load` on {date.today().isoformat()}: {os.cpu_count()} cores ({platform.machine()}), "
            f"Python {platform.python_version()}, streamlit {version('streamlit')}.",
            f"{self.visitors} visitors for {took:.0f} s, each with a websocket session, a file of {self.rows:,} rows",
            f"and a token. The client, which reads and hashes everything, runs on the same cores{_priority()}.",
            "",
            f"Of {os.cpu_count()} cores the server took {cores[0]:.2f}, its workers {cores[1]:.2f}, the client "
            f"{cores[2]:.2f}, other programs **{others:.2f}**. Load average of five minutes: {self.end.load:.1f}.",
            "",
            f"- Errors: **{len(self.errors)}** (0 are promised).",
            f"- {len(seen.seconds['download']):,} downloads above 1 MiB, {seen.bytes / 1e9:.1f} GB: {len(seen.hashes)} "
            f"different files for {self.visitors} visitors, each only ever its owner's.",
            f"- p95 of {len(self.waits):,} interactions: **{quantile(self.waits, 95):.2f} s** (< {MOST_SECONDS:g} s).",
            f"- Memory idle {_mib(self.idle)}, at the end {_mib(self.end)}, a minute later {_mib(self.after)}: "
            f"**{self.grown:.2f}** times (≤ {MOST_GROWTH:.2f}). Anonymous memory, server + workers.",
            "",
            "| what | times | median | p95 | longest |",
            "|---|---|---|---|---|",
            *(_line(kind, times) for kind, times in sorted(seen.seconds.items())),
            "",
            "What waits for a prediction to end is no interaction: runs take turns.",
            "",
            *(f"- {error}" for error in self.errors[:20]),
        ]
        return "\n".join(lines).rstrip() + "\n"


def quantile(times: list[float], percent: int) -> float:
    """That percentile; of one time, the time itself."""
    return statistics.quantiles(times, n=100)[percent - 1] if len(times) > 1 else sum(times)


def _line(kind: str, times: list[float]) -> str:
    middle, high = statistics.median(times), quantile(times, 95)
    return f"| {kind} | {len(times):,} | {middle:.2f} s | {high:.2f} s | {max(times):.2f} s |"


def _priority() -> str:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return f"; all of it with priority over other programs (nice {nice})" if nice < 0 else ""


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _mib(moment: Moment) -> str:
    return f"{moment.memory[0] >> 20} + {moment.memory[1] >> 20} MiB"
