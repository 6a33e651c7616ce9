"""What a check says of a visitor's file: every problem at once, and what each column is used for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from engine.cards.card import AHEAD, ModelCard
from engine.errors import nearest

Severity = Literal["fatal", "rows", "note"]
Role = Literal["input", "order", "label", "extra"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a person should know about the file before anything is predicted.

    `fatal`: nothing can be predicted; `rows`: the `rows` rows named cannot be, the others can; `note`: nothing is lost.
    `row` counts from 1 and is the first one; `rename` is (name in the file, name the model takes).
    """

    severity: Severity
    code: str
    message: str
    file: str = ""
    column: str = ""
    row: int | None = None
    rows: int = 0
    found: str = ""
    expected: str = ""
    rename: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What one column of the file is used for."""

    name: str
    role: Role
    type: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The pre-flight: how many rows can be predicted, and everything that is in the way of the others."""

    n_rows: int
    n_good: int
    problems: tuple[Problem, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def fatal(self) -> bool:
        """Whether nothing can be predicted before the file is mended."""
        return any(problem.severity == "fatal" for problem in self.problems)

    @property
    def clean(self) -> bool:
        """Whether every row can be predicted."""
        return not any(problem.severity in ("fatal", "rows") for problem in self.problems)

    def stops(self, on_error: str) -> bool:
        """Whether nothing may be predicted where faulty rows are to be treated so: `refuse` or `report`."""
        return self.fatal or self.n_good == 0 or (on_error == "refuse" and not self.clean)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        content = json.loads(text)
        problems = tuple(
            Problem(**{**item, "rename": tuple(item["rename"]) if item["rename"] else None})
            for item in content["problems"]
        )
        columns = tuple(ColumnUse(**item) for item in content["columns"])
        return cls(content["n_rows"], content["n_good"], problems, columns, tuple(content["files"]))


def needed_columns(card: ModelCard) -> tuple[str, ...]:
    """The names a table must hold for this model, in the model's order."""
    order = (card.sequence.series, card.sequence.step) if card.sequence else ()
    return order + tuple(column.name for column in card.signature)


def result_names(card: ModelCard) -> frozenset[str]:
    """The names of the results' own columns, which a file's column cannot keep."""
    classes = ("prediction", "confidence", *(f"probability_{label}" for label in card.labels)) if card.labels else ()
    forecast = (*card.forecast.columns, AHEAD) if card.forecast else ()
    embedding = ("embedding",) if card.dimensions else ()
    own = (*(output.name for output in card.outputs), *classes, *forecast, *embedding)
    return frozenset(("row", *own, "status", "error"))


def check_names(found: Sequence[str], card: ModelCard, file: str) -> list[Problem]:
    """What is wrong with the names of a table's columns: missing, misspelt (with the rename that mends it), extra."""
    needed = needed_columns(card)
    free = [name for name in found if name not in needed and name not in card.target_columns]
    problems: list[Problem] = []
    for name in needed:
        if name in found:
            continue
        near = nearest(name, free)
        if near is not None:
            free.remove(near)
        problems.append(_missing(name, near, card, file, found))
    if free:
        named = ", ".join(f"'{name}'" for name in free[:8]) + (" …" if len(free) > 8 else "")
        are = "is no input" if len(free) == 1 else "are no inputs"
        message = f"{named} {are} of the model: passed on unchanged, to stand beside the predictions."
        problems.append(Problem("note", "extra-column", message, file, free[0]))
    labels = [name for name in card.target_columns if name in found]
    if labels:
        named = ", ".join(f"'{name}'" for name in labels[:8]) + (" …" if len(labels) > 8 else "")
        are = "is recognised as the label" if len(labels) == 1 else "are recognised as labels"
        message = f"{named} {are}: never fed to the model, kept beside its predictions."
        problems.append(Problem("note", "label-column", message, file, labels[0]))
    return problems


def column_uses(found: Sequence[str], card: ModelCard) -> tuple[ColumnUse, ...]:
    """What each column of the file is used for, in the file's order."""
    return tuple(_use(name, card) for name in found)


def _use(name: str, card: ModelCard) -> ColumnUse:
    inputs = {column.name: column for column in card.signature}
    if name in inputs:
        return ColumnUse(name, "input", inputs[name].type, inputs[name].unit)
    if card.sequence and name in (card.sequence.series, card.sequence.step):
        return ColumnUse(name, "order")
    return ColumnUse(name, "label" if name in card.target_columns else "extra")


def _missing(name: str, near: str | None, card: ModelCard, file: str, found: Sequence[str]) -> Problem:
    if near is not None:
        message = f"{file}: column '{name}' is missing. Did you mean '{near}'? Rename it to '{name}'."
        return Problem("fatal", "misspelt-column", message, file, near, found=near, expected=name, rename=(near, name))
    has = ", ".join(f"'{column}'" for column in list(found)[:8]) + (" …" if len(found) > 8 else "")
    message = (
        f"{file}: column '{name}' is missing; the file has {has or 'no columns'}. Add it; '{card.title}' needs it."
    )
    return Problem("fatal", "missing-column", message, file, name, found=has, expected=name)
