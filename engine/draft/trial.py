"""What a module takes, found by trying it: rows of a table, series, or pictures, and how large."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from engine.cards.card import ModelCard, OutputKind
from engine.checkpoints.calling import Calling
from engine.checkpoints.probe import Asking, probe
from engine.errors import ModuleProbeError, OutputUnclear
from engine.kinds.boxes import FIGURES
from engine.own_code.functions import OwnCode
from engine.tasks.image_inputs import ImageInputs
from engine.tasks.sequence_inputs import SequenceInputs
from engine.tasks.table_inputs import TableInputs
from engine.tasks.task import Inputs, Task
from engine.tasks.value_outputs import ValueOutputs

Takes = Literal["table", "text", "image", "sequence"]
SIZES = (28, 32, 48, 64, 96, 128, 160, 224, 256, 299, 384, 512)
_MOST_WIDTHS = 40
_SUMS_TO_ONE = 1e-3
_STEPS = 7  # of a made-up series: unlikely to be a horizon by accident


@dataclass(frozen=True, slots=True)
class Trial:
    """One way in which the module ran: `width` features a row or channels a picture.

    `sizes` are those that fit, in pixels, or the length of series where it takes no other. `outputs` is the number of
    figures it gives a row; `within` says that they are 0 … 1, `adds_up` that they sum to one besides, `whole` that they
    are integers. Of pictures, `masks` says that every pixel gets them, `boxes` that it finds things; of series,
    `each_step` that every step gets them, and `horizon` how many further steps.
    """

    takes: Takes
    width: int
    sizes: tuple[int, ...]
    outputs: int
    within: bool = False
    adds_up: bool = False
    whole: bool = False
    masks: bool = False
    boxes: bool = False
    each_step: bool = False
    horizon: int = 0


class _Watching(ValueOutputs):
    """Outputs that judge nothing and keep what came."""

    def __init__(self) -> None:
        self.seen: torch.Tensor | None = None

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        self.seen = output
        return "values"


class _Series(SequenceInputs):
    """Series whose outputs are looked at as the module gives them."""

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        return output


def try_out(
    module: nn.Module,
    wanted: Takes | None = None,
    inputs: int = 0,
    output_key: str = "",
    more_sizes: Sequence[int] = (),
) -> Trial | str:
    """How the module ran first, or what was tried where it ran in no way.

    Where it is known, `wanted` is what it takes, `inputs` how many columns a step of a series has, and `output_key`
    which part of its output is meant; `more_sizes` are those of pictures to try beside the usual ones. Raises
    OutputUnclear where that is not known.
    """
    tried: list[str] = []
    unclear: OutputUnclear | None = None
    for takes, width, usual in _candidates(module, inputs):
        if wanted not in (None, takes) and not (wanted == "text" and takes == "table"):
            continue
        sizes = sorted({*usual, *more_sizes}) if takes == "image" else usual
        pixels = f", {sizes[0]} to {sizes[-1]} pixels high and wide" if takes == "image" else ""
        tried.append(f"{takes} of {width}{pixels}")
        for place, size in enumerate(sizes):
            try:
                trial, calling = _try(module, takes, width, size, output_key)
            except OutputUnclear as exc:
                unclear = unclear or exc
                break
            if trial is not None and calling is not None:
                more = (other for other in sizes[place + 1 :] if _runs_on(module, calling, width, other))
                return replace(trial, sizes=tuple(each for each in (size, *more) if each))
    if unclear is not None:
        raise unclear
    return "; ".join(dict.fromkeys(tried)) or "it has no layer to go by"


def asked_keys(module: nn.Module) -> tuple[str, ...]:
    """What the module's step asks a batch for, where it takes a dict."""
    asking = Asking(torch.zeros(3, 1), {})
    with suppress(Exception), warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        module.predict_step(asking, 0)  # type: ignore[operator]
    return tuple(key for key in asking.asked if isinstance(key, str))


def try_with(module: nn.Module, card: ModelCard, own: OwnCode, folder: Path) -> Trial:
    """How the module ran on what the host's own functions make of the rows; raises as loading it would."""
    outputs, texts = _Watching(), any(column.type == "string" for column in card.signature)
    probe(module, card, Task("trial", "", TableInputs(), outputs), own, folder)
    if outputs.seen is None or outputs.seen.ndim > 2:
        shape = None if outputs.seen is None else list(outputs.seen.shape[1:])
        raise ModuleProbeError(f"{type(module).__name__} gives {shape} for a row: write the card by hand.")
    return _judged("text" if texts else "table", len(card.signature), outputs.seen)


def _candidates(module: nn.Module, inputs: int) -> Iterator[tuple[Takes, int, Sequence[int]]]:
    """What the layers suggest, the first layer's width first; a picture is tried in each size."""
    layers = list(module.modules())
    convolutions = [layer.in_channels for layer in layers if isinstance(layer, nn.Conv2d)]
    recurrent = [layer.input_size for layer in layers if isinstance(layer, nn.RNNBase)]
    widths = [layer.in_features for layer in layers if isinstance(layer, nn.Linear)]
    widths += [layer.in_channels for layer in layers if isinstance(layer, nn.Conv1d)]
    widths += [tensor.shape[-1] for tensor in module.state_dict().values() if tensor.ndim >= 1]
    for channels in dict.fromkeys(convolutions[:1]):
        yield "image", channels, SIZES
    for width in dict.fromkeys(recurrent[:1]):
        yield "sequence", width, (0,)
    for width in list(dict.fromkeys(widths))[:_MOST_WIDTHS]:
        yield "table", width, (0,)
        yield "sequence", width, (0,)
    for width in dict.fromkeys(widths):
        columns = inputs or 1
        if width % columns == 0 and width > columns:
            yield "sequence", columns, (width // columns,)  # a layer that takes all steps at once
    for channels in (1, 3):
        yield "image", channels, SIZES


def _try(
    module: nn.Module, takes: Takes, width: int, size: int, output_key: str
) -> tuple[Trial, Calling] | tuple[None, None]:
    """How the module ran, and how it was called; Nones where it does not take that."""
    if takes == "image" and width not in (1, 3):
        return None, None
    outputs = _Watching()
    kinds: Mapping[Takes, Inputs] = {"table": TableInputs(), "image": ImageInputs(), "sequence": _Series()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it does not take
            card = _card(takes, width, size, output_key)
            calling = probe(module, card, Task("trial", "", kinds[takes], outputs))
    except OutputUnclear:
        raise
    except Exception:  # whatever the module says against it, it does not take that
        return None, None
    trial = None if outputs.seen is None else _trial(takes, width, size, outputs.seen)
    return (None, None) if trial is None else (trial, calling)


def _runs_on(module: nn.Module, calling: Calling, channels: int, size: int) -> bool:
    """Whether it also runs on pictures of that size, tried with one: a large one takes seconds."""
    x = ImageInputs().probe(_card("image", channels, size, ""), 1)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            calling.unpack(module.predict_step(calling.pack(x, dict), 0))  # type: ignore[operator]
    except Exception:  # as above
        return False
    return True


def _trial(takes: Takes, width: int, size: int, seen: torch.Tensor) -> Trial | None:
    """What the outputs of rows, pictures or series of that size tell; None where they are of no use."""
    if takes == "image" and seen.ndim == 4:
        return replace(_judged(takes, width, seen.movedim(1, -1).flatten(0, 2)), masks=True)
    if takes == "image" and seen.ndim == 3 and seen.shape[2] == FIGURES:
        return Trial(takes, width, (), 0, boxes=True)
    if seen.ndim > (3 if takes == "sequence" else 2):
        return None
    length, given = size or _STEPS, seen.shape[1] if seen.ndim > 1 else 1
    if takes == "sequence" and seen.ndim == 2 and given == length:
        seen = seen[..., None]
    if seen.ndim < 3:
        return _judged(takes, width, seen)
    same = given == length
    return replace(_judged(takes, width, seen.flatten(0, 1)), each_step=same, horizon=0 if same else given)


def _judged(takes: Takes, width: int, seen: torch.Tensor) -> Trial:
    """What the figures of the rows show."""
    figures = 1 if seen.ndim == 1 else seen.shape[-1]
    within = seen.is_floating_point() and bool(((seen >= 0) & (seen <= 1)).all())
    adds_up = within and figures > 1 and bool(((seen.sum(dim=1) - 1).abs() < _SUMS_TO_ONE).all())
    return Trial(takes, width, (), figures, within, adds_up, not seen.is_floating_point())


def _card(takes: Takes, width: int, size: int, output_key: str) -> ModelCard:
    parts: dict[str, Any] = {"title": "trial", "task": "trial", "module": "trial:Trial", "output_key": output_key}
    if takes == "image":
        return ModelCard(**parts, image={"size": (size, size), "channels": width})
    parts["signature"] = [{"name": f"x{number}"} for number in range(width)]
    return ModelCard(**parts, sequence={"length": size or _STEPS} if takes == "sequence" else None)
