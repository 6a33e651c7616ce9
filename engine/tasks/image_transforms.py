"""Transforms of torchvision.transforms.v2 that a card names, with its arguments; only those that draw nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torchvision.transforms import InterpolationMode, v2

from engine.cards.parts import TRANSFORMS, Transform
from engine.errors import CardError


def transformed(pictures: torch.Tensor, transforms: Sequence[Transform]) -> torch.Tensor:
    """(n, channels, height, width) after each of the transforms; CardError where one cannot be used so."""
    for transform in transforms:
        applied = built(transform)
        try:
            pictures = applied(pictures)
        except Exception as exc:  # torchvision checks many arguments only now, each in its own way
            raise CardError(
                f"image.transforms: {transform.name} cannot be applied to pictures of {list(pictures.shape[1:])} "
                f"{str(pictures.dtype).removeprefix('torch.')} ({type(exc).__name__}: {exc})."
            ) from exc
    return pictures


def built(transform: Transform) -> Callable[[torch.Tensor], torch.Tensor]:
    """The transform with its arguments; CardError naming those there are."""
    if transform.name not in TRANSFORMS:
        raise CardError(f"image.transforms: there is no '{transform.name}'; known: {', '.join(TRANSFORMS)}.")
    kind: Any = getattr(v2, transform.name)
    try:
        made: Callable[[torch.Tensor], torch.Tensor] = kind(
            **{name: _value(name, value) for name, value in transform.arguments.items()}
        )
    except (TypeError, ValueError) as exc:
        takes = ", ".join(inspect.signature(kind).parameters) or "none"
        raise CardError(f"image.transforms: {transform.name} cannot be made ({exc}). Its arguments: {takes}.") from exc
    low_high = getattr(made, "sigma", None) if transform.name == "GaussianBlur" else None
    if low_high is not None and low_high[0] != low_high[1]:
        raise CardError("image.transforms: GaussianBlur draws its sigma between two figures; give one: sigma: 1.0")
    return made


def _value(name: str, value: object) -> object:
    """YAML's words for torch's: float32 a dtype, bilinear a way to interpolate."""
    if name == "dtype":
        dtype = getattr(torch, str(value), None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"dtype: there is no '{value}', expected float32 or such")
        return dtype
    return InterpolationMode(value) if name == "interpolation" else value
