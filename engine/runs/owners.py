"""Which process runs a run, and whether that process is still there."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path

from engine.runs.store import RunStore

SECONDS_BETWEEN_BEATS = 1.0
_SECONDS_UNTIL_DEAD = 6.0
_HERE: set[str] = set()


def new_owner() -> str:
    """A name for an engine of this process: machine, process, when it began, and a token of its own."""
    pid = os.getpid()
    owner = f"{_machine()}|{pid}|{_began(pid)}|{secrets.token_hex(4)}"
    _HERE.add(owner)
    return owner


def retire(owner: str) -> None:
    """That engine of this process is closed."""
    _HERE.discard(owner)


def is_alive(owner: str, store: RunStore) -> bool:
    """Whether that engine still runs: its process is looked for on this machine, else it must have been heard of."""
    parts = owner.split("|")
    if len(parts) != 4:
        return False
    machine, pid, began, _ = parts
    if machine != _machine():
        return store.silence(owner) < _SECONDS_UNTIL_DEAD
    if int(pid) == os.getpid():
        return owner in _HERE
    return _began(int(pid)) == began


@cache
def _machine() -> str:
    """A name for where numbers of processes mean the same: two containers may share a host's name, but not that."""
    marks = [socket.gethostname()]
    try:
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        marks.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass  # no Linux: the host's name has to do
    return f"{marks[0]}/{hashlib.sha256('|'.join(marks).encode()).hexdigest()[:12]}"


def _began(pid: int) -> str:
    """When the process began, so that another one of its number is not taken for it; "" where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() or not _exists(pid) else "?"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
