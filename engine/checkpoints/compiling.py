"""A module's `forward` compiled by torch.compile, where its card asks for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from engine.errors import PredictionFailed

_COMPILERS = ("torch._dynamo", "torch._inductor")


def compile_forward(module: nn.Module, title: str, backend: str | Callable[..., Any] = "inductor") -> None:
    """Compiles what `module(…)` computes when it is first called; a step that never calls the module is left as it is.

    A single row stays uncompiled: torch makes code of its own for it, for which a person at a form would wait.
    """
    plain = module.forward
    compiled = torch.compile(plain, backend=backend)

    def forward(*inputs: Any, **named: Any) -> Any:
        if _rows((inputs, named)) < 2:
            return plain(*inputs, **named)
        try:
            return compiled(*inputs, **named)
        except Exception as exc:
            if not type(exc).__module__.startswith(_COMPILERS):
                raise
            words = (str(exc).strip() or type(exc).__name__).splitlines()[0]
            raise PredictionFailed(
                f"The model '{title}' could not be compiled on this machine ({words}). "
                "Install a C++ compiler such as g++ there, or take compile out of the card."
            ) from exc

    module.forward = forward


def _rows(inputs: object) -> int:
    """The length of the first tensor among the inputs; 0 where there is none."""
    return next((len(leaf) for leaf in tree_leaves(inputs) if isinstance(leaf, torch.Tensor) and leaf.ndim), 0)
