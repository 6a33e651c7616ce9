"""Which task a module is for: from how it ran and its loss, or asked with what speaks for what."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from engine.draft.drafting import Drafting
from engine.draft.losses import loss_of
from engine.draft.trial import Takes, Trial
from engine.tasks import TASKS
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
from engine.tasks.text_inputs import TextInputs
from engine.tasks.value_outputs import ValueOutputs

_INPUTS: Mapping[Takes, tuple[type, ...]] = {
    "table": (TableInputs,),
    "text": (TextInputs,),
    "image": (ImageInputs, MaskedImageInputs, BoxedImageInputs),
    "sequence": (SequenceInputs, ForecastInputs),
}


def find_task(drafting: Drafting, module: nn.Module, trial: Trial) -> None:
    """Knows the task, or asks for it."""
    if drafting.given.task:
        drafting.know("task", drafting.given.task)
        return
    kinds, why = _kinds(module, trial)
    names = [name for kind in kinds if (name := task_name(trial.takes, kind))]
    if len(names) == 1:
        drafting.know("task", names[0], why)
    elif names:
        drafting.ask("task", why, option="--task", choices=tuple(names))
    else:
        choices = tasks_with(trial.takes)
        drafting.ask("task", f"{why}, which no task here takes of such input", option="--task", choices=choices)


def tasks_with(*takes: Takes) -> tuple[str, ...]:
    """The tasks that take such inputs."""
    kinds = [kind for each in takes for kind in _INPUTS[each]]
    return tuple(name for name, task in TASKS.items() if type(task.inputs) in kinds)


def takes_of(task: str) -> Takes | None:
    """What a task takes; None where that is nothing that can be tried."""
    return next((takes for takes in _INPUTS if task in tasks_with(takes)), None)


def tasks_like(module: nn.Module) -> tuple[str, ...]:
    """The tasks that a module may be for that ran on nothing: of texts first, by its loss where it has one."""
    names = (*tasks_with("text"), *tasks_with("table"), *tasks_with("image"), *tasks_with("sequence"))
    loss = loss_of(module)
    if loss is None:
        return names
    kinds = {
        "classes": (ClassOutputs,),
        "labels": (ClassOutputs, LabelSetOutputs),
        "values": (ValueOutputs, ForecastOutputs),
    }
    return tuple(name for name in names if type(TASKS[name].outputs) in kinds[loss[0]])


def task_name(takes: Takes, outputs: type) -> str:
    """The task of such inputs and outputs; "" where there is none."""
    return next((name for name in tasks_with(takes) if type(TASKS[name].outputs) is outputs), "")


def _kinds(module: nn.Module, trial: Trial) -> tuple[tuple[type, ...], str]:
    """(the outputs it may be, the likeliest first; what speaks for them)."""
    if trial.boxes:
        return (BoxOutputs,), "it gives boxes with scores and label numbers"
    if trial.masks:
        return (MaskOutputs,), "it gives a picture of classes"
    if trial.takes == "sequence":
        return _of_series(trial)
    if trial.adds_up or trial.whole:
        return (ClassOutputs,), "its outputs are " + ("shares that sum to one" if trial.adds_up else "integers")
    loss = loss_of(module)
    if loss is not None:
        purpose, words = loss
        if purpose == "labels":
            several = trial.outputs > 1
            each = f", for each of {trial.outputs} figures by itself" if several else ""
            return (LabelSetOutputs if several else ClassOutputs,), words + each
        return (ClassOutputs if purpose == "classes" else ValueOutputs,), words
    return _by_figures(trial)


def _of_series(trial: Trial) -> tuple[tuple[type, ...], str]:
    if trial.horizon:
        return (ForecastOutputs,), f"it gives {trial.horizon} further steps of a series"
    if trial.each_step or trial.outputs == 1:
        return (ValueOutputs,), "it runs on series of steps"
    why = f"it gives {trial.outputs} figures a series, which may be values of it, or its next {trial.outputs} steps"
    return (ValueOutputs, ForecastOutputs), why


def _by_figures(trial: Trial) -> tuple[tuple[type, ...], str]:
    if trial.outputs == 1:
        return (ClassOutputs, ValueOutputs), (
            "it gives one figure a row, which may be a value or a logit of classes; its weights do not say which"
        )
    if trial.within:
        return (LabelSetOutputs, ValueOutputs, EmbeddingOutputs), (
            f"it gives {trial.outputs} figures a row, each from 0 to 1, which do not sum to one: labels of which "
            "several may hold, values, or an embedding; its weights do not say which"
        )
    return (ClassOutputs, LabelSetOutputs, ValueOutputs, EmbeddingOutputs), (
        f"it gives {trial.outputs} figures a row, which may be values, logits of classes or of labels of which several "
        "may hold, or an embedding; its weights do not say which"
    )
