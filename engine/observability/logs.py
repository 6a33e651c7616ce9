"""What servers and workers log: lines of text or of JSON, with ids of runs and incidents, and nobody's data.

Messages of errors quote cells, columns, files and parameters of SQL. A trace in the log is therefore where it happened
and of which class the errors were; their words are added where the host asks for them.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from engine.settings import Settings

OURS = "forelight"
_ABOUT = ("run", "incident", "model", "job", "state", "rows", "failed", "seconds")
_RENAMED = {
    "asctime": "time",
    "levelname": "level",
    "processName": "process",
    "name": "logger",
    "message": "message",
    "exc_info": "trace",
}
log = logging.getLogger(f"{OURS}.log")


def set_up_logs(settings: Settings, process: str) -> None:
    """Makes everything that this process logs go to its standard error, as the settings say. For whole processes."""
    handler = logging.StreamHandler()
    handler.setFormatter(_FORMATS[settings.log]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(logging.INFO)
    logging.setLogRecordFactory(_records(process, discreet=not settings.log_messages))
    warnings.showwarning = _warned  # type: ignore[assignment]  # mypy wants the rest of its arguments named
    sys.excepthook = _ended
    threading.excepthook = lambda args: _ended(args.exc_type, args.exc_value, args.exc_traceback)


def trace(error: BaseException) -> str:
    """Where the error, and those that led to it, happened; of each its class, never its words."""
    parts = [
        "".join((*traceback.format_tb(each.__traceback__), f"{type(each).__module__}.{type(each).__qualname__}"))
        for each in _chain(error)
    ]
    return "\nled to\n".join(reversed(parts))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)


def _records(process: str, *, discreet: bool) -> Callable[..., logging.LogRecord]:
    """Makes the records, whichever logger and handler they are for."""

    def make(*args: object, **more: object) -> logging.LogRecord:
        record = logging.LogRecord(*args, **more)  # type: ignore[arg-type]
        record.processName = process
        if discreet:
            _hush(record)
        return record

    return make


def _hush(record: logging.LogRecord) -> None:
    """Takes the words of errors out; of what others log, all texts that were put into a message, too."""
    if record.exc_info:
        error = record.exc_info[1]
        record.exc_text, record.exc_info = (trace(error) if error is not None else None), None
    if record.name.split(".")[0] == OURS:
        return
    text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    record.msg = (text.splitlines() or [""])[0]
    if isinstance(record.args, Mapping):
        record.args = {name: _hidden(value) for name, value in record.args.items()}
    elif record.args:
        record.args = tuple(_hidden(value) for value in record.args)


def _hidden(value: object) -> object:
    return value if isinstance(value, int | float) else "…"


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    log.warning("%s at %s:%d", category.__name__, filename, lineno)


def _ended(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        log.error("ended by an error", exc_info=(kind, error or kind(), where))


class _Text(logging.Formatter):
    """One line, and what it is about in brackets; a trace goes on below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        about = " ".join(f"{name}={getattr(record, name)}" for name in _ABOUT if hasattr(record, name))
        return super().formatMessage(record) + (f" [{about}]" if about else "")


class _Json(JsonFormatter):
    """One object a line."""

    def __init__(self) -> None:
        super().__init__([*_RENAMED][:-1], rename_fields=_RENAMED, datefmt="%Y-%m-%dT%H:%M:%S%z")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Leaves out what others put beside a message: it is not known to be harmless."""
        known = {*_RENAMED.values(), *_ABOUT}
        return {name: value for name, value in log_data.items() if name in known}


_FORMATS: Mapping[str, Callable[[], logging.Formatter]] = {"text": _Text, "json": _Json}
