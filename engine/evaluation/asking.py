"""Figures between two processes: a worker computes them with torchmetrics, whoever shows them never loads torch."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import polars as pl

from engine.evaluation.labels import Used
from engine.results.filters import Filters
from engine.results.results import Results

Figures = TypeVar("Figures")


def asked(results: Results, kind: type[Figures], name: str, where: Filters, **about: str) -> Figures | None:
    """What a worker finds of the lines chosen, by that function of `judging`."""
    content, table = results.ask("judge", of=results.asked, figures=name, where=tuple(where), **about)
    return unpacked(kind, content, table)


def packed(figures: object | None) -> tuple[Mapping[str, Any], bytes]:
    """The figures as what JSON can hold, and their table as Arrow."""
    if figures is None:
        return {}, b""
    content = _content(figures)
    table = io.BytesIO()
    for name in [name for name, value in content.items() if isinstance(value, pl.DataFrame)]:
        content.pop(name).write_ipc(table)
    return content, table.getvalue()


def unpacked(kind: type[Figures], content: Mapping[str, Any], table: bytes) -> Figures | None:
    """The figures again, exactly; None where there were none."""
    if not content:
        return None
    read = {name: _READ[name](value) if name in _READ else value for name, value in content.items()}
    tables = [each.name for each in fields(kind) if each.name not in content]  # type: ignore[arg-type]
    return kind(**read, **{name: pl.read_ipc(table) for name in tables})


def _content(figures: Any) -> dict[str, Any]:
    values = {each.name: getattr(figures, each.name) for each in fields(figures)}
    return {name: _content(value) if is_dataclass(value) else value for name, value in values.items()}


_READ: Mapping[str, Any] = {
    "used": lambda used: Used(**{**used, "names": tuple(used["names"])}),
    "confusion": lambda lines: tuple(map(tuple, lines)),
    "by_score": lambda points: tuple(map(tuple, points)),
}
