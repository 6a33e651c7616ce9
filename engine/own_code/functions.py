"""The card's own `encode`, `collate` and `decode`: rows → the module's batch, its output → columns: docs/encode.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from lightning_utilities.core.apply_func import apply_to_collection

from engine.cards.card import ModelCard, OutputKind
from engine.cards.signature import needed_columns
from engine.ingest.table import PIXELS
from engine.kinds.predicted import Classes, Masks
from engine.own_code.collation import collation_of
from engine.own_code.host_code import HostFunction, import_function
from engine.tasks.task import Inputs, Task


@dataclass(frozen=True, slots=True)
class OwnCode:
    """What of a card's own code there is; without any, the task's inputs and outputs do everything."""

    encode: HostFunction | None = None
    collate: HostFunction | None = None
    decode: HostFunction | None = None

    @property
    def used(self) -> bool:
        return any((self.encode, self.collate, self.decode))

    def encoded(self, rows: pa.Table, card: ModelCard, inputs: Inputs) -> object:
        """The model's input for good lines: a tensor, or whatever the host's functions make."""
        x = inputs.encode(rows, card) if self.encode is None else self.encode(offered(rows, card), card)
        if self.collate is not None:
            return self.collate(self._items(x, rows.num_rows, inputs))
        if self.encode is not None and isinstance(x, torch.Tensor):
            self._check_count(self.encode, len(x) if x.ndim else 0, rows.num_rows, inputs)
        return x

    def decoded(self, raw: object, rows: pa.Table, card: ModelCard) -> torch.Tensor | Mapping[str, object]:
        """What `decode` makes of the module's output: a tensor that the task reads, or a dict of columns."""
        assert self.decode is not None
        found = self.decode(apply_to_collection(raw, torch.Tensor, _on_cpu), offered(rows, card), card)
        if not isinstance(found, torch.Tensor | Mapping):
            raise self.decode.refuse(f"gives {type(found).__name__}, expected a tensor, or a dict of columns.")
        return found.detach().cpu() if isinstance(found, torch.Tensor) else found

    def kind_of(self, found: Mapping[str, object], card: ModelCard, task: Task) -> OutputKind:
        """What the columns are; HostCodeFailed where they are not those that the task's results have."""
        predicted = task.outputs.predicted(card, list(found))
        if isinstance(predicted, Masks):
            predicted = predicted.as_classes
            predicted = predicted if predicted.confidence else replace(predicted, shares=())
        if not isinstance(predicted, Classes):
            kind: OutputKind = "values"
        else:
            kind = "probabilities" if predicted.shares else "classes"
        assert self.decode is not None
        wanted = task.outputs.schema(card, kind).names
        if set(found) != set(wanted):
            raise self.decode.refuse(f"gives the columns {_listed(found)}; expected {_listed(wanted)}.")
        return kind

    def arrays(self, found: Mapping[str, object], lines: int, schema: pa.Schema) -> list[pa.Array]:
        """The columns that `decode` gave, in the order and the types of the schema."""
        return [self._array(field, found.get(field.name), lines) for field in schema]

    def _array(self, field: pa.Field, values: Any, lines: int) -> pa.Array:
        assert self.decode is not None
        if isinstance(values, torch.Tensor):
            values = values.detach().cpu().numpy()
        try:
            array = pa.array(values.tolist() if isinstance(values, np.ndarray) else values)
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            array = array.cast(field.type)
        except (pa.ArrowException, TypeError, ValueError) as exc:
            words = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            raise self.decode.refuse(f"gives a column '{field.name}' that is not {field.type}: {words}") from exc
        if len(array) != lines:
            raise self.decode.refuse(f"gives {len(array)} values of '{field.name}' for {lines} rows.")
        return array

    def _items(self, x: object, lines: int, inputs: Inputs) -> list[Any]:
        if not isinstance(x, list | tuple | torch.Tensor):
            assert self.collate is not None
            made = self.encode.reference if self.encode else "the task"
            raise self.collate.refuse(f"needs a list with an item for each row; {made} gives {type(x).__name__}.")
        if self.encode is not None:
            self._check_count(self.encode, len(x), lines, inputs)
        return list(x)

    def _check_count(self, function: HostFunction, found: int, lines: int, inputs: Inputs) -> None:
        """One entry a row; where an item is several lines, as many of them each."""
        if found == lines or (inputs.has_steps and found and lines % found == 0):
            return
        raise function.refuse(f"gives {found} entries for {lines} rows; expected one for each.")


NOTHING_OWN = OwnCode()


def own_code_of(card: ModelCard, folder: Path, data_parameters: Mapping[str, Any]) -> OwnCode:
    """The functions that the card names; CardError where one cannot be imported.

    `data_parameters` are what the checkpoint says the DataModule was built with.
    """
    named = {"encode": card.encode, "collate": card.collate, "decode": card.decode}
    found = {key: import_function(key, name, folder) for key, name in named.items() if name}
    if "collate" in found:
        found["collate"] = collation_of(found["collate"], card, folder, data_parameters)
    return OwnCode(**found)


def offered(rows: pa.Table, card: ModelCard) -> pa.Table:
    """The rows as the host's functions get them: what the card names, typed by it, and no label.

    Pictures come as `file` and `pixels`, a tensor column of uint8 (channels, height, width).
    """
    if card.image is None:
        return rows.select([name for name in needed_columns(card) if name in rows.column_names])
    table = rows.select(["file"])
    shape = (card.image.channels, *card.image.size)
    packed = rows.column(PIXELS).combine_chunks()
    packed = packed.combine_chunks() if isinstance(packed, pa.ChunkedArray) else packed
    size = int(np.prod(shape))
    flat = pa.Array.from_buffers(
        pa.uint8(), len(packed) * size, [None, packed.buffers()[1]], offset=packed.offset * size
    )
    lists = pa.FixedSizeListArray.from_arrays(flat, size)
    pixels = pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.uint8(), shape), lists)
    return table.append_column("pixels", pixels)


def _on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu()


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "none"
