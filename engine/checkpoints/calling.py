"""How a module is called and read: the form of its batch, and where in its output the predictions are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal

import pyarrow as pa
import torch

from engine.cards.card import ModelCard, OutputKind
from engine.errors import ModuleProbeError
from engine.kinds.boxes import are_boxes, padded
from engine.own_code.functions import NOTHING_OWN, OwnCode
from engine.tasks.task import Task

BatchForm = Literal["tensor", "pair", "dict", "list", "own"]
Batch = object  # a tensor, a pair, a dict, or whatever the card's own code makes


@dataclass(frozen=True, slots=True)
class Calling:
    """How a module is called and read: the form of its batch, the keys of a dict, where the output is, what it is."""

    batch: BatchForm
    output: str | int | None
    kind: OutputKind
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    own: OwnCode = NOTHING_OWN

    def pack(self, x: object, columns: Callable[[], dict[str, torch.Tensor]]) -> Batch:
        """The batch the module wants; a pair's label is zeros, since a prediction has none."""
        if self.batch in ("tensor", "own") or not isinstance(x, torch.Tensor):
            return x
        if self.batch == "pair":
            return x, torch.zeros(len(x))
        if self.batch == "list":
            return list(x)
        by_column = columns() if self.columns else {}
        return dict.fromkeys(self.keys, x) | {name: by_column[name] for name in self.columns}

    def unpack(self, raw: object) -> torch.Tensor:
        """The output tensor among what the module gave, on the CPU."""
        found = part_of(raw, self.output)
        if not isinstance(found, torch.Tensor):
            raise ModuleProbeError(f"The model gave {type(found).__name__} where it gave a tensor when it was loaded.")
        return found.detach().cpu()

    def predictions(self, raw: object, rows: pa.Table, card: ModelCard, task: Task) -> list[pa.Array]:
        """The predictions of the good lines `rows` in what the module gave: one array a column of the results."""
        output: object = self.unpack(raw) if self.own.decode is None else self.own.decoded(raw, rows, card)
        if isinstance(output, Mapping):
            return self.own.arrays(output, rows.num_rows, task.outputs.schema(card, self.kind))
        assert isinstance(output, torch.Tensor)
        return task.outputs.decode(task.inputs.per_line(output, rows.num_rows), card, self.kind, rows)


def named_parts(raw: object) -> Mapping[str, object] | None:
    """The parts of an output that has names for them, a dict or a dataclass; None where it has none."""
    if is_dataclass(raw) and not isinstance(raw, type):
        return {each.name: getattr(raw, each.name) for each in fields(raw)}
    return raw if isinstance(raw, dict) else None


def part_of(raw: object, where: str | int | None) -> object:
    """What stands there in a module's output: all of it for None; None where there is no such part."""
    if where is None:
        return padded(raw) if are_boxes(raw) else raw
    if isinstance(where, int) and isinstance(raw, tuple | list) and where < len(raw):
        return part_of(raw[where], None)
    if isinstance(raw, tuple) and isinstance(where, str):
        return part_of(getattr(raw, where, None), None)  # of a namedtuple
    named = named_parts(raw)
    return part_of(named.get(str(where)), None) if named is not None else None
