"""What server and worker say to each other."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import errors
from engine.errors import FULL_DISK, DiskFull, ForelightError
from engine.observability.incidents import report_incident
from engine.settings import Settings

log = logging.getLogger("forelight.worker")
DEVICE_LOST = 70
"""The exit code of a worker whose device answers nothing sensible any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call of a function of `engine.workers.work`; the server's side, and trusted."""

    number: int
    name: str
    arguments: Mapping[str, Any]
    settings: Settings

    @property
    def run_id(self) -> str:
        """The run that the job is about; "" for none."""
        folder = self.arguments.get("folder") or getattr(self.arguments.get("of"), "folder", None)
        return folder.name if isinstance(folder, Path) else ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Asks the job of that number to come to its end."""

    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """How far a job is."""

    number: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job gave: what JSON can hold, and bytes."""

    number: int
    content: Mapping[str, Any]
    data: bytes = field(default=b"", repr=False)


class WorkerFault(RuntimeError):
    """An error in a worker that nobody foresaw; the worker's log has it under that incident."""

    def __init__(self, words: str, incident: str) -> None:
        super().__init__(words)
        self.incident = incident


@dataclass(frozen=True, slots=True)
class Failure:
    """The error a job ended with; `kind` is the name of a class of `engine.errors`, or "" where nobody foresaw it."""

    number: int
    kind: str
    words: str
    incident: str = ""

    @classmethod
    def of(cls, number: int, error: Exception, **about: str) -> Failure:
        """`about` says in the log what was done to what."""
        if isinstance(error, ForelightError):
            return cls(number, type(error).__name__, str(error))
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            return cls(number, DiskFull.__name__, str(DiskFull()))
        return cls(number, "", f"{type(error).__name__}: {error}", report_incident(log, error, **about))

    def error(self) -> Exception:
        """The error again; WorkerFault for one that nobody foresaw."""
        kind = getattr(errors, self.kind, None) if self.kind else None
        if kind is None or not issubclass(kind, ForelightError):
            return WorkerFault(self.words, self.incident)
        error: ForelightError = kind.__new__(kind)
        error.args = (self.words,)
        return error


Reply = Said | Answer | Failure
_KINDS: Mapping[str, type[Said] | type[Answer] | type[Failure]] = {k.__name__: k for k in (Said, Answer, Failure)}


def encode(reply: Reply) -> bytes:
    """A worker's words as one line of JSON, the bytes behind it."""
    content = {name: getattr(reply, name) for name in reply.__slots__ if name != "data"}
    line = json.dumps({"reply": type(reply).__name__, **content}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return line + b"\n" + (reply.data if isinstance(reply, Answer) else b"")


def decode(message: bytes) -> Reply:
    line, _, data = message.partition(b"\n")
    content = json.loads(line.decode("utf-8", "surrogatepass"))
    kind = _KINDS[content.pop("reply")]
    return Answer(**content, data=data) if kind is Answer else kind(**content)
