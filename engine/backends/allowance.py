"""How much memory and time a worker may take for one job on a visitor's files. The server looks; the worker cannot lie.

Looked at from outside since a limit of the address space would count what is mapped and never touched, torch and the
files themselves, and a decoder that is refused memory ends its process anyway.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from engine.errors import TooMuchWork
from engine.readers import Source
from engine.settings import Settings

_BYTES_A_SECOND = 4_000_000  # far below what the slowest format reads at on a busy machine
_OWN = ("RssAnon:", "RssShmem:")  # what is mapped from files costs nothing that others need


class Allowance:
    """For one job, from now on; what the process holds at the first look is not the job's."""

    def __init__(self, settings: Settings, sources: Sequence[Source] = ()) -> None:
        self._bytes, self._before = settings.max_reader_bytes, -1
        size = sum(source.path.stat().st_size for source in sources if source.path.exists())
        self._seconds = settings.max_reader_seconds + size / _BYTES_A_SECOND
        self._heard = time.monotonic()

    def progressed(self) -> None:
        """The job said something: its time begins anew."""
        self._heard = time.monotonic()

    def check(self, pid: int | None) -> None:
        """TooMuchWork where the process took more than it may."""
        held = _held(pid)
        if self._before < 0:
            self._before = held
        if held - self._before > self._bytes:
            raise TooMuchWork(
                f"Reading took more than {self._bytes / 2**30:.3g} GiB of memory, more than one check may. Bring fewer "
                "or smaller files, or CSV or Parquet, which are read piece by piece."
            )
        if time.monotonic() - self._heard > self._seconds:
            raise TooMuchWork(
                f"Reading took more than {self._seconds:.3g} s without getting on. Bring fewer or smaller files; one "
                "of them may be damaged."
            )


def _held(pid: int | None) -> int:
    """Bytes of memory that the process has of its own; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1_024 * int(line.split()[1]) for line in lines if line.startswith(_OWN))
