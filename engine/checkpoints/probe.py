"""Finds out, once at load, how a module wants its batch and what it gives back, on made-up rows.

*Three* rows: with two, a step that unpacks `x, _ = batch` would take a plain tensor's rows for a pair by accident.
What is found is confirmed with five rows, so that no other dimension is taken for the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import torch
from torch import nn

from engine.cards.card import ModelCard, OutputKind
from engine.checkpoints.calling import BatchForm, Calling, named_parts, part_of
from engine.errors import DecodeRaised, ForelightError, ModuleProbeError, OutputUnclear
from engine.kinds.boxes import are_boxes
from engine.own_code.functions import NOTHING_OWN, OwnCode
from engine.own_code.probe_rows import probe_rows
from engine.tasks.task import Task

PROBE_ROWS = (3, 5)
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
    "out",
)


@dataclass
class Asking(dict[str, torch.Tensor]):
    """A batch that notes which keys a module asks for, and has an answer to each."""

    x: torch.Tensor
    by_column: dict[str, torch.Tensor]
    asked: list[str] = field(default_factory=list)

    def __missing__(self, key: str) -> torch.Tensor:
        if key not in self.asked:
            self.asked.append(key)
        return self.by_column.get(key, self.x)


@dataclass(frozen=True, slots=True)
class _Made:
    """A made-up input: `items` of it, which are `lines` of a file. `rows` are those lines, where a card's code asks."""

    items: int
    lines: int
    x: object
    columns: dict[str, torch.Tensor]
    rows: pa.Table | None = None


def probe(
    module: nn.Module, card: ModelCard, task: Task, own: OwnCode = NOTHING_OWN, folder: Path | None = None
) -> Calling:
    """How `module` is to be called; ModuleProbeError says what was tried and what the card may say instead.

    With code of the card's `own` the made-up rows are those of the sample in `folder`; HostCodeFailed where it fails.
    """
    if not own.used:
        return _probed(module, card, task, own, [_made(card, task, items) for items in PROBE_ROWS])
    refused: DecodeRaised | None = None
    for made in _made_by(own, card, task, folder):
        try:
            return _probed(module, card, task, own, made)
        except DecodeRaised as exc:
            refused = refused or exc
    assert refused is not None
    raise refused


def _probed(module: nn.Module, card: ModelCard, task: Task, own: OwnCode, made: Sequence[_Made]) -> Calling:
    """What is found out with those inputs."""
    forms: Sequence[BatchForm] = (card.batch,) if card.batch else _forms(made[0].x)
    if not isinstance(made[0].x, torch.Tensor):
        forms = ("own",)
    failures: list[str] = []
    for form in forms:
        try:
            return _try(module, card, task, form, made, own)
        except ForelightError:
            raise
        except Exception as exc:  # the module is the host's own code, and is being tried out
            failures.append(f"{form}: {type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else 'no message'}")
    if own.encode or own.collate:
        what = f"the batch that {(own.collate or own.encode or own).reference} makes"  # type: ignore[union-attr]
        raise ModuleProbeError(
            f"{type(module).__name__} could not be run on {what} of {PROBE_ROWS[0]} rows ({'; '.join(failures)}). "
            "Compare it with what the module was trained on."
        )
    looked_at = "size and channels of image" if card.image else "signature's number of columns"
    raise ModuleProbeError(
        f"{type(module).__name__} could not be run on {PROBE_ROWS[0]} made-up rows ({'; '.join(failures)}). Check the "
        f"{looked_at}, or say in the card what its step takes: batch: tensor, pair, dict or list."
    )


def _forms(x: object) -> tuple[BatchForm, ...]:
    """The forms to try; a list of pictures too, as detectors take them."""
    pictures = isinstance(x, torch.Tensor) and x.ndim == 4
    return ("tensor", "pair", "dict", "list") if pictures else ("tensor", "pair", "dict")


def _made(card: ModelCard, task: Task, items: int) -> _Made:
    x = task.inputs.probe(card, items)
    return _Made(items, items * (x.shape[1] if task.inputs.has_steps else 1), x, task.inputs.columns_of(x, card))


def _made_by(own: OwnCode, card: ModelCard, task: Task, folder: Path | None) -> Iterator[list[_Made]]:
    """Inputs that the card's own code makes, each time of other rows."""
    for tables in probe_rows(card, task, folder, PROBE_ROWS, own):
        made = []
        for items, rows in zip(PROBE_ROWS, tables, strict=True):
            x = own.encoded(rows, card, task.inputs)
            columns = task.inputs.columns_of(x, card) if isinstance(x, torch.Tensor) and own.encode is None else {}
            made.append(_Made(items, rows.num_rows, x, columns, rows))
        yield made


def _try(
    module: nn.Module, card: ModelCard, task: Task, form: BatchForm, made: Sequence[_Made], own: OwnCode
) -> Calling:
    raws: list[object] = []
    asked: list[str] = []
    for each in made:
        batch, asking = _batch(each.x, each.columns, form)
        with torch.inference_mode():
            raws.append(module.predict_step(batch, 0))  # type: ignore[operator]
        asked += [key for key in asking.asked if key not in asked] if asking is not None else []
    last = made[-1]
    keys = tuple(key for key in asked if key not in last.columns)
    by_column = tuple(key for key in asked if key in last.columns)
    if own.decode is not None:
        decoded = [own.decoded(raw, each.rows, card) for raw, each in zip(raws, made, strict=True)]
        if isinstance(decoded[-1], Mapping):
            kind = own.kind_of(decoded[-1], card, task)
            own.arrays(decoded[-1], last.lines, task.outputs.schema(card, kind))
            said = _sentences(module, form, asked, None, [], kind, card)
            return Calling(form, None, kind, keys, by_column, said, own)
        raws = list(decoded)
    where = None if own.decode is not None else _where(raws, card)
    outputs = [part_of(raw, where) for raw in raws]
    tensors = [output for output in outputs if isinstance(output, torch.Tensor)]
    if [len(tensor) for tensor in tensors] != list(PROBE_ROWS):
        shapes = [list(tensor.shape) for tensor in tensors]
        if own.decode is not None:
            raise own.decode.refuse(f"gives {shapes} for {list(PROBE_ROWS)} rows; expected one entry for each.")
        raise ValueError(f"gave {shapes} for {list(PROBE_ROWS)} rows")
    kind = task.outputs.find_kind(task.inputs.per_line(tensors[-1], last.lines), card)
    said = _sentences(module, form, asked, where, list(tensors[-1].shape[1:]), kind, card)
    return Calling(form, where, kind, keys, by_column, said, own)


def _batch(x: object, columns: dict[str, torch.Tensor], form: BatchForm) -> tuple[object, Asking | None]:
    if form == "tensor" or not isinstance(x, torch.Tensor):
        return x, None
    if form == "pair":
        return (x, torch.zeros(len(x))), None
    if form == "list":
        return list(x), None
    asking = Asking(x, columns)
    return asking, asking


def _where(raws: Sequence[object], card: ModelCard) -> str | int | None:
    """Where in the module's output the predictions are: None for the whole, a key of a dict, a place in a tuple."""
    raw = raws[0]
    if card.output_key:
        return _named(raw, card.output_key)
    named = named_parts(raw)
    if named is not None:
        return _key(named)
    if are_boxes(raw):
        return None
    if isinstance(raw, tuple | list):
        pairs = list(zip(raws, PROBE_ROWS, strict=True))
        fitting = [place for place in range(len(raw)) if all(_fits(part_of(each, place), n) for each, n in pairs)]
        if not fitting:
            raise ValueError(f"gave a {type(raw).__name__} with no tensor of one entry a row")
        return fitting[0]
    if not isinstance(raw, torch.Tensor):
        raise ValueError(
            f"gave {type(raw).__name__}, expected a tensor, or a tuple, list, dict or dataclass of tensors"
        )
    return None


def _named(raw: object, key: str) -> str | int:
    """Where the part is that the card names; a number is a place in a tuple."""
    where = int(key) if key.isdecimal() and isinstance(raw, tuple | list) else key
    if not isinstance(part_of(raw, where), torch.Tensor):
        parts = named_parts(raw) or (range(len(raw)) if isinstance(raw, tuple | list) else ())
        there = f"it has {', '.join(map(str, parts))}" if parts else f"it is a {type(raw).__name__}"
        raise ModuleProbeError(f"output_key: there is no tensor '{key}' in what the model gives; {there}.")
    return where


def _fits(value: object, items: int) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim > 0 and len(value) == items


def _key(raw: Mapping[str, object]) -> str:
    tensors = [key for key, value in raw.items() if _fits(value, PROBE_ROWS[0])]
    named = [key for key in _PREDICTION_KEYS if key in tensors] or tensors
    if len(named) == 1 or (named and named[0] in _PREDICTION_KEYS):
        return named[0]
    raise OutputUnclear(raw, tensors)


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
    maker = card.collate or card.encode
    forms: dict[BatchForm, str] = {
        "tensor": "a tensor",
        "pair": "a pair (inputs, unused labels)",
        "dict": f"a dict with {', '.join(keys)}",
        "list": "a list of pictures",
        "own": f"the batch that {maker} makes",
    }
    place = {True: "", False: f" at {where!r} of what it returns"}[where is None]
    step = "forward" if card.step == "forward" else "predict_step"
    if maker and form != "own":
        said = f"made by {maker}, {said}"
    if card.decode and not shape:
        return (f"{type(module).__name__}.{step} takes {forms[form]} ({said}).", f"{card.decode} gives {kind}.")
    return (
        f"{type(module).__name__}.{step} takes {forms[form]} ({said}).",
        f"It gives {kind}{place}, {' × '.join(map(str, shape)) or 'one figure'} for a row"
        f"{' (as the card says)' if card.output_kind else ''}.",
    )
