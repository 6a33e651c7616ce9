"""What a module was trained with: its loss, as a part of it or as a function that its own code calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Literal

from torch import nn

Purpose = Literal["classes", "labels", "values"]
_PURPOSES: Mapping[Purpose, tuple[str, ...]] = {
    "classes": ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "cross_entropy", "nll_loss", "multi_margin_loss"),
    "labels": (
        "BCEWithLogitsLoss",
        "BCELoss",
        "MultiLabelSoftMarginLoss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "multilabel_soft_margin_loss",
    ),
    "values": (
        "MSELoss",
        "L1Loss",
        "SmoothL1Loss",
        "HuberLoss",
        "GaussianNLLLoss",
        "PoissonNLLLoss",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "gaussian_nll_loss",
        "poisson_nll_loss",
    ),
}


def loss_of(module: nn.Module) -> tuple[Purpose, str] | None:
    """(what it is for, a clause that says so), or None where none or several are found.

    "labels" are one figure each: several of them, or a single one for two classes.
    """
    named = [type(part).__name__ for part in module.modules()]
    called = [name for method in _own_methods(module) for name in _names(method)]
    for names, words in ((named, "its loss is a {}"), (called, "its training calls {}")):
        found = {purpose: known for purpose, all_of_it in _PURPOSES.items() if (known := set(all_of_it) & set(names))}
        if len(found) == 1:
            [(purpose, known)] = found.items()
            return purpose, words.format(" and ".join(sorted(known)))
    return None


def _own_methods(module: nn.Module) -> Iterator[CodeType]:
    """The code of what the host's classes define, not of what Lightning and torch do."""
    for kind in type(module).__mro__:
        if kind.__module__.split(".")[0] not in ("torch", "pytorch_lightning", "lightning", "builtins"):
            yield from (value.__code__ for value in vars(kind).values() if inspect.isfunction(value))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
