"""The kinds of model there are, by Hugging Face's task names; a new one is one line here, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.card import ModelCard
from engine.errors import CardError, nearest
from engine.tasks.class_outputs import ClassOutputs
from engine.tasks.image_inputs import ImageInputs
from engine.tasks.sequence_inputs import SequenceInputs
from engine.tasks.table_inputs import TableInputs
from engine.tasks.task import Task
from engine.tasks.value_outputs import ValueOutputs

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task("image-classification", "Recognises pictures", ImageInputs(), ClassOutputs()),
            Task("image-regression", "Measures pictures", ImageInputs(), ValueOutputs()),
            Task("sequence-regression", "Follows series", SequenceInputs(), ValueOutputs()),
            Task("tabular-classification", "Sorts rows into classes", TableInputs(), ClassOutputs()),
            Task("tabular-regression", "Estimates values", TableInputs(), ValueOutputs()),
        )
    }
)


def task_of(card: ModelCard) -> Task:
    """The card's task; CardError naming the nearest where there is none of that name."""
    if card.task in TASKS:
        return TASKS[card.task]
    near = nearest(card.task, TASKS)
    hint = f" Did you mean '{near}'?" if near else ""
    raise CardError(f"task: there is no '{card.task}'.{hint} Tasks: {', '.join(TASKS)}.")
