"""Finds out, once at load, how a module wants its batch and what it gives back, on made-up rows.

*Three* rows: with two, a step that unpacks `x, _ = batch` would take a plain tensor's rows for a pair by accident.
What is found is confirmed with five rows, so that no other dimension is taken for the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn

from engine.card import ModelCard, OutputKind
from engine.errors import ModuleProbeError
from engine.tasks.task import Task

PROBE_ROWS = (3, 5)
BatchForm = Literal["tensor", "pair", "dict"]
_PREDICTION_KEYS = (
    "logits",
    "probabilities",
    "probs",
    "predictions",
    "prediction",
    "preds",
    "output",
    "outputs",
    "y_hat",
)
Batch = torch.Tensor | tuple[torch.Tensor, torch.Tensor] | dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Calling:
    """How a module is called and read: the form of its batch, the keys of a dict, where the output is, what it is."""

    batch: BatchForm
    output: str | int | None
    kind: OutputKind
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def pack(self, x: torch.Tensor, columns: Callable[[], dict[str, torch.Tensor]]) -> Batch:
        """The batch the module wants; a pair's label is zeros, since a prediction has none."""
        if self.batch == "tensor":
            return x
        if self.batch == "pair":
            return x, torch.zeros(len(x))
        by_column = columns() if self.columns else {}
        return dict.fromkeys(self.keys, x) | {name: by_column[name] for name in self.columns}

    def unpack(self, raw: object) -> torch.Tensor:
        """The output tensor among what the module gave, on the CPU."""
        found = _at(raw, self.output)
        if not isinstance(found, torch.Tensor):
            raise ModuleProbeError(f"The model gave {type(found).__name__} where it gave a tensor when it was loaded.")
        return found.detach().cpu()


@dataclass
class _Asking(dict[str, torch.Tensor]):
    """A batch that notes which keys a module asks for, and has an answer to each."""

    x: torch.Tensor
    by_column: dict[str, torch.Tensor]
    asked: list[str] = field(default_factory=list)

    def __missing__(self, key: str) -> torch.Tensor:
        if key not in self.asked:
            self.asked.append(key)
        return self.by_column.get(key, self.x)


def probe(module: nn.Module, card: ModelCard, task: Task) -> Calling:
    """How `module` is to be called; ModuleProbeError says what was tried and what the card may say instead."""
    forms: Sequence[BatchForm] = (card.batch,) if card.batch else ("tensor", "pair", "dict")
    failures: list[str] = []
    for form in forms:
        try:
            return _try(module, card, task, form)
        except ModuleProbeError:
            raise
        except Exception as exc:  # the module is the host's own code, and is being tried out
            failures.append(f"{form}: {type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else 'no message'}")
    raise ModuleProbeError(
        f"{type(module).__name__} could not be run on {PROBE_ROWS[0]} made-up rows ({'; '.join(failures)}). Check the "
        "signature's number of columns, or say in the card what its step takes: batch: tensor, pair or dict."
    )


def _try(module: nn.Module, card: ModelCard, task: Task, form: BatchForm) -> Calling:
    raws: list[object] = []
    asked: list[str] = []
    for items in PROBE_ROWS:
        x = task.inputs.probe(card, items)
        batch, asking = _batch(x, task.inputs.columns_of(x, card), form)
        with torch.inference_mode():
            raws.append(module.predict_step(batch, 0))  # type: ignore[operator]
        asked += [key for key in asking.asked if key not in asked] if asking is not None else []
    where = _where(raws, card)
    outputs = [_at(raw, where) for raw in raws]
    tensors = [output for output in outputs if isinstance(output, torch.Tensor)]
    if [len(tensor) for tensor in tensors] != list(PROBE_ROWS):
        raise ValueError(f"gave {[list(tensor.shape) for tensor in tensors]} for {list(PROBE_ROWS)} rows")
    last = task.inputs.probe(card, PROBE_ROWS[-1])
    lines = PROBE_ROWS[-1] * (last.shape[1] if task.inputs.has_steps else 1)
    per_line = task.inputs.per_line(tensors[-1], lines)
    kind = task.outputs.find_kind(per_line, card)
    columns = task.inputs.columns_of(last, card)
    by_column = tuple(key for key in asked if key in columns)
    keys = tuple(key for key in asked if key not in columns)
    said = _sentences(module, form, (*keys, *by_column), where, list(tensors[-1].shape[1:]), kind, card)
    return Calling(form, where, kind, keys, by_column, said)


def _batch(x: torch.Tensor, columns: dict[str, torch.Tensor], form: BatchForm) -> tuple[object, _Asking | None]:
    if form == "tensor":
        return x, None
    if form == "pair":
        return (x, torch.zeros(len(x))), None
    asking = _Asking(x, columns)
    return asking, asking


def _where(raws: Sequence[object], card: ModelCard) -> str | int | None:
    """Where in the module's output the predictions are: None for the whole, a key of a dict, a place in a tuple."""
    raw = raws[0]
    if card.output_key:
        return card.output_key
    if isinstance(raw, dict):
        return _key(raw)
    if isinstance(raw, tuple | list):
        fitting = [place for place in range(len(raw)) if all(_fits(_at(each, place), n) for each, n in _pairs(raws))]
        if not fitting:
            raise ValueError(f"gave a {type(raw).__name__} with no tensor of one entry a row")
        return fitting[0]
    if not isinstance(raw, torch.Tensor):
        raise ValueError(f"gave {type(raw).__name__}, expected a tensor, a tuple, a list or a dict of tensors")
    return None


def _pairs(raws: Sequence[object]) -> list[tuple[object, int]]:
    return list(zip(raws, PROBE_ROWS, strict=True))


def _fits(value: object, items: int) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0 and len(value) == items


def _key(raw: dict[str, object]) -> str:
    tensors = [key for key, value in raw.items() if _fits(value, PROBE_ROWS[0])]
    named = [key for key in _PREDICTION_KEYS if key in tensors] or tensors
    if len(named) == 1 or (named and named[0] in _PREDICTION_KEYS):
        return named[0]
    raise ModuleProbeError(
        f"The model gives a dict with {', '.join(map(str, raw))}: say in the card which is the prediction (output_key)."
    )


def _at(raw: object, where: str | int | None) -> object:
    if where is None:
        return raw
    if isinstance(where, int) and isinstance(raw, tuple | list) and where < len(raw):
        return raw[where]
    return raw.get(where) if isinstance(raw, dict) else None


def _sentences(
    module: nn.Module,
    form: BatchForm,
    keys: Sequence[str],
    where: str | int | None,
    shape: Sequence[int],
    kind: OutputKind,
    card: ModelCard,
) -> tuple[str, ...]:
    said = "as the card says" if card.batch else "found with a probe of three rows"
    forms = {"tensor": "a tensor", "pair": "a pair (inputs, unused labels)", "dict": f"a dict with {', '.join(keys)}"}
    place = {True: "", False: f" at {where!r} of what it returns"}[where is None]
    step = "forward" if card.step == "forward" else "predict_step"
    return (
        f"{type(module).__name__}.{step} takes {forms[form]} ({said}).",
        f"It gives {kind}{place}, {' × '.join(map(str, shape)) or 'one figure'} for a row"
        f"{' (as the card says)' if card.output_kind else ''}.",
    )
