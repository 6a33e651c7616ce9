"""The kinds of model there are, by Hugging Face's task names; a new one is one line here, and its file."""

from __future__ import annotations

from engine.cards.card import ModelCard
from engine.errors import CardError, nearest
from engine.plugins import Plugin, Registry
from engine.tasks.box_outputs import BoxOutputs
from engine.tasks.class_outputs import ClassOutputs
from engine.tasks.embedding_outputs import EmbeddingOutputs
from engine.tasks.forecast_inputs import ForecastInputs
from engine.tasks.forecast_outputs import ForecastOutputs
from engine.tasks.image_inputs import ImageInputs
from engine.tasks.label_set_outputs import LabelSetOutputs
from engine.tasks.mask_outputs import MaskOutputs
from engine.tasks.picture_inputs import BoxedImageInputs, MaskedImageInputs
from engine.tasks.sequence_inputs import SequenceInputs
from engine.tasks.table_inputs import TableInputs
from engine.tasks.task import Task
from engine.tasks.text_inputs import TextInputs
from engine.tasks.value_outputs import ValueOutputs

_OWN = {
    task.name: task
    for task in (
        Task("feature-extraction", "Places texts among their like", TextInputs(), EmbeddingOutputs()),
        Task("image-classification", "Recognises pictures", ImageInputs(), ClassOutputs()),
        Task("image-feature-extraction", "Places pictures among their like", ImageInputs(), EmbeddingOutputs()),
        Task("image-multi-label-classification", "Finds all that is in pictures", ImageInputs(), LabelSetOutputs()),
        Task("image-regression", "Measures pictures", ImageInputs(), ValueOutputs()),
        Task("image-segmentation", "Outlines what is in pictures", MaskedImageInputs(), MaskOutputs()),
        Task("object-detection", "Finds things in pictures", BoxedImageInputs(), BoxOutputs()),
        Task("sequence-regression", "Follows series", SequenceInputs(), ValueOutputs()),
        Task("tabular-classification", "Sorts rows into classes", TableInputs(), ClassOutputs()),
        Task("tabular-feature-extraction", "Places rows among their like", TableInputs(), EmbeddingOutputs()),
        Task("tabular-multi-label-classification", "Gives rows all their labels", TableInputs(), LabelSetOutputs()),
        Task("tabular-regression", "Estimates values", TableInputs(), ValueOutputs()),
        Task("text-classification", "Sorts texts into classes", TextInputs(), ClassOutputs()),
        Task("text-multi-label-classification", "Gives texts all their labels", TextInputs(), LabelSetOutputs()),
        Task("text-regression", "Rates texts", TextInputs(), ValueOutputs()),
        Task("time-series-forecasting", "Continues series", ForecastInputs(), ForecastOutputs()),
    )
}


def _accepted(plugin: Plugin, loaded: object) -> tuple[str, Task]:
    """A package's task, whose name is that of its entry point."""
    if not isinstance(loaded, Task) or loaded.name != plugin.name:
        raise plugin.refused(f"is {type(loaded).__name__}, expected an engine.tasks.task.Task of that name.")
    return loaded.name, loaded


TASKS: Registry[Task] = Registry("forelight.tasks", _OWN, _accepted)
"""Every task, by its name; other packages' behind Forelight's own."""


MOST_LINES = 1_024  # of a batch that the host's own function makes: it may take far more memory than a row of numbers


def usual_batch_size(card: ModelCard) -> int:
    """Lines of one batch, where nobody says otherwise and none was found to be faster."""
    size = task_of(card).inputs.batch_size()
    return min(size, MOST_LINES) if card.encode or card.collate else size


def task_of(card: ModelCard) -> Task:
    """The card's task; CardError naming the nearest where there is none of that name."""
    if card.task in TASKS:
        return TASKS[card.task]
    near = nearest(card.task, TASKS)
    hint = f" Did you mean '{near}'?" if near else ""
    raise CardError(f"task: there is no '{card.task}'.{hint} Tasks: {', '.join(TASKS)}.")
