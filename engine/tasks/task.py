"""The contract of a task: what differs between kinds of model, and only that.

A task is two halves that combine freely: `Inputs` (files → rows → tensors) and `Outputs` (tensors → columns, views).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import polars as pl
import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.cards.signature import Report
from engine.ingest.table import Progress
from engine.kinds.left_out import Part
from engine.kinds.predicted import Predicted
from engine.readers import Source
from engine.settings import Settings
from engine.views import Headline, View

if TYPE_CHECKING:  # torch takes seconds to import; --help, the registry and the check do without it
    import torch


class Queries(Protocol):
    """What a task may ask of results, to say what stands above the charts."""

    def quantiles(self, column: str) -> Mapping[str, float]: ...
    def value_counts(self, column: str) -> pl.DataFrame: ...


class Inputs(Protocol):
    """Files → the run's typed rows → tensors."""

    has_steps: bool
    """Whether an item is several lines: the tensor is (items, steps, …) then."""
    grows: bool
    """Whether the rows that `ingest` tells `progress` of stand in `input.arrow` already as they will in the end."""

    def check_card(self, card: ModelCard) -> None:
        """Raises CardError where the card lacks what these inputs need."""

    def ingest(
        self,
        sources: Sequence[Source],
        card: ModelCard,
        folder: Path,
        settings: Settings,
        renames: Mapping[str, str],
        progress: Progress,
    ) -> Report:
        """The pre-flight report; unless it is fatal, every row is then in `folder/input.arrow`."""

    def batch_size(self) -> int:
        """Lines of one batch, where nobody says otherwise and none was found to be faster."""

    def batches(self, rows: pa.Table, card: ModelCard, size: int) -> list[tuple[int, int]]:
        """Ranges [start, stop) of lines that go through the model together, at most `size` lines where possible."""

    def encode(self, rows: pa.Table, card: ModelCard) -> torch.Tensor:
        """The model's input for good lines: float32, (items, …), contiguous."""

    def columns_of(self, x: torch.Tensor, card: ModelCard) -> dict[str, torch.Tensor]:
        """The same input by column, for modules that take a dict of columns; empty where there are none."""

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        """An output (items, …) as (lines, …), one entry for each line that `encode` was given."""

    def probe(self, card: ModelCard, items: int) -> torch.Tensor:
        """A made-up valid input of that many items, to find out how a module wants to be called."""

    def hidden_columns(self) -> tuple[str, ...]:
        """Columns of `input.arrow` that do not come back in the results."""

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        """(suffix, content) of a file that a visitor fills in."""

    def views(self, card: ModelCard) -> tuple[View, ...]:
        """What is worth seeing because of what went in."""

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        """Sentences for a visitor: what to bring."""


class Outputs(Protocol):
    """Tensors → columns of the results, and what is worth seeing of them."""

    def check_card(self, card: ModelCard) -> None:
        """Raises CardError where the card lacks what these outputs need."""

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        """What a module's output (lines, …) on the probe is; ModuleProbeError where that is unclear."""

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        """The columns that `decode` gives."""

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        """One array a column of `schema`, one entry a line. `lines` are the input's, one an entry of the output."""

    def units(self, card: ModelCard) -> Mapping[str, str]:
        """Unit of each column that has one."""

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Predicted:
        """What a prediction is, and which of the results' `columns` hold it: what it can be judged and compared by."""

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        """The charts, the answer first. `columns` the results have; `against` are worth plotting values over."""

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        """The figures that stand above the charts."""


@runtime_checkable
class PartedInputs(Protocol):
    """Inputs a row of which has parts that can be left out, to see what they do to its prediction."""

    def parts(self, line: Mapping[str, object], card: ModelCard) -> tuple[Part, ...]:
        """The parts of a line of the results, about a hundred at most; those that tell most first. None: ()."""

    def without(self, row: pa.Table, part: Part, card: ModelCard) -> pa.Table:
        """`row`, one line of the input, without that part."""


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of model: its Hugging Face name, its name for a visitor, and its two halves."""

    name: str
    title: str
    inputs: Inputs
    outputs: Outputs

    def check_card(self, card: ModelCard) -> None:
        self.inputs.check_card(card)
        self.outputs.check_card(card)
