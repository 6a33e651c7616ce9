"""How much memory a class may ask for while it is built, by sizes that a checkpoint says and nobody has checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from engine.errors import CheckpointError

_MOST_TIMES = 4
_FREE_BYTES = 1 << 30
_MOST_TENSORS = 1_000_000
_MAKERS: frozenset[Callable[..., Any]] = frozenset(
    (
        torch.empty, torch.empty_strided, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.randint,
        torch.arange, torch.linspace, torch.logspace, torch.eye, torch.tril_indices, torch.triu_indices,
    )
)  # fmt: skip
_NOT_FOR_A_SKETCH = ("device", "generator", "pin_memory")


class BuildRoom(TorchFunctionMode):
    """Meanwhile, new tensors may take a few times what the checkpoint holds, and some: CheckpointError before the next.

    Looked at before the memory is taken; on the meta device, which takes none, tensors are only counted.
    """

    def __init__(self, module: str, weights: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self._module, self._held = module, sum(weight.nbytes for weight in weights.values())
        self._most = _MOST_TIMES * self._held + _FREE_BYTES
        self._taken = self._made = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        given = kwargs or {}
        if func in _MAKERS:
            self._made += 1
            self._taken += _bytes_of(func, args, given)
            if self._taken > self._most or self._made > _MOST_TENSORS:
                raise CheckpointError(self._said())
        return func(*args, **given)

    def _said(self) -> str:
        found = f"{self._made:,} tensors" if self._made > _MOST_TENSORS else f"{self._taken >> 20:,} MiB of them"
        return (
            f"The checkpoint does not fit {self._module}: with its hyper-parameters the class makes tensors without "
            f"end, {found} so far, and the file holds {self._held >> 20:,} MiB of weights. The hyper-parameters may be "
            "damaged or hostile; give the sizes that it was trained with in the card's hyper_parameters."
        )


def _bytes_of(func: Callable[..., Any], args: Sequence[Any], given: Mapping[str, Any]) -> int:
    """The bytes of what would be made; 0 where that takes none, or cannot be made anyway."""
    if str(given.get("device")) == "meta" or "out" in given:
        return 0
    told = {name: value for name, value in given.items() if name not in _NOT_FOR_A_SKETCH}
    try:
        sketch: torch.Tensor = func(*args, **told, device="meta")
    except Exception:  # whatever it is, the call itself will say it
        return 0
    return sketch.nbytes
