"""What a module takes, found by trying it: rows of a table, series, or pictures, and how large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from engine.calling import Calling
from engine.card import ModelCard, OutputKind
from engine.errors import ModuleProbeError
from engine.probe import probe
from engine.tasks.image_inputs import ImageInputs
from engine.tasks.sequence_inputs import SequenceInputs
from engine.tasks.table_inputs import TableInputs
from engine.tasks.task import Inputs, Task
from engine.tasks.value_outputs import ValueOutputs

Takes = Literal["table", "image", "sequence"]
SIZES = (28, 32, 48, 64, 96, 128, 160, 224, 256, 299, 384, 512)
_MOST_WIDTHS = 40
_SUMS_TO_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Trial:
    """One way in which the module ran: `width` features a row or channels a picture; `sizes` that fit, in pixels.

    `outputs` is the number of figures it gives a row; `adds_up` says that they are 0 … 1 and sum to one, `whole` that
    they are integers.
    """

    takes: Takes
    width: int
    sizes: tuple[int, ...]
    outputs: int
    adds_up: bool
    whole: bool
    calling: Calling


class _Watching(ValueOutputs):
    """Outputs that judge nothing and keep what came."""

    def __init__(self) -> None:
        self.seen: torch.Tensor | None = None

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        self.seen = output
        return "values"


def try_out(module: nn.Module) -> Trial:
    """How the module ran first; ModuleProbeError saying what was tried where it ran in no way."""
    tried: list[str] = []
    for takes, width, sizes in _candidates(module):
        fitting = [(size, trial) for size in sizes if (trial := _try(module, takes, width, size)) is not None]
        tried.append(f"{takes} of {width}")
        if fitting:
            first = fitting[0][1]
            found = tuple(size for size, _ in fitting) if takes == "image" else ()
            return Trial(takes, width, found, first.outputs, first.adds_up, first.whole, first.calling)
    raise ModuleProbeError(
        f"{type(module).__name__} ran on none of what was tried ({'; '.join(tried) or 'it has no layer to go by'}). "
        "Write the card by hand: signature, image or sequence, and `batch`."
    )


def _candidates(module: nn.Module) -> Iterator[tuple[Takes, int, Sequence[int]]]:
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
    for channels in (1, 3):
        yield "image", channels, SIZES


def _try(module: nn.Module, takes: Takes, width: int, size: int) -> Trial | None:
    if takes == "image" and width not in (1, 3):
        return None
    outputs = _Watching()
    kinds: Mapping[Takes, Inputs] = {"table": TableInputs(), "image": ImageInputs(), "sequence": SequenceInputs()}
    try:
        calling = probe(module, _card(takes, width, size), Task("trial", "", kinds[takes], outputs))
    except Exception:  # whatever the module says against it, it does not take that
        return None
    seen = outputs.seen
    if seen is None or seen.ndim > 2:
        return None
    figures = 1 if seen.ndim == 1 else seen.shape[-1]
    return Trial(takes, width, (), figures, _adds_up(seen), not seen.is_floating_point(), calling)


def _adds_up(seen: torch.Tensor) -> bool:
    if seen.ndim != 2 or seen.shape[1] < 2 or not seen.is_floating_point():
        return False
    return bool(((seen.sum(dim=1) - 1).abs() < _SUMS_TO_ONE).all()) and bool((seen >= 0).all())


def _card(takes: Takes, width: int, size: int) -> ModelCard:
    parts: dict[str, Any] = {"title": "trial", "task": "trial", "module": "trial:Trial"}
    if takes == "image":
        return ModelCard(**parts, image={"size": (size, size), "channels": width})
    parts["signature"] = [{"name": f"x{number}"} for number in range(width)]
    return ModelCard(**parts, sequence={"length": None} if takes == "sequence" else None)
