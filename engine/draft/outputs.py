"""What a model gives, as its card says it: labels, values with names, steps to come, an embedding."""

from __future__ import annotations

from engine.draft.drafting import Drafting
from engine.draft.inputs import Columns
from engine.draft.kept import kept_labels
from engine.draft.pictures import classes_of
from engine.draft.sample import SampleColumn
from engine.draft.trial import Trial
from engine.errors import CardError
from engine.tasks import TASKS
from engine.tasks.box_outputs import BoxOutputs
from engine.tasks.embedding_outputs import EmbeddingOutputs
from engine.tasks.forecast_outputs import ForecastOutputs
from engine.tasks.label_set_outputs import LabelSetOutputs
from engine.tasks.value_outputs import ValueOutputs

_KEPT = "the checkpoint's hyper-parameter '{key}'"
_THRESHOLDS = "{label: probability}: from where on a label holds, where not from 0.5"


def find_outputs(drafting: Drafting, trial: Trial, columns: Columns, targets: tuple[str, ...]) -> None:
    """Knows or asks what the task's card says of the outputs; nothing while the task is open."""
    task = TASKS.get(str(drafting.card.get("task", "")))
    if task is None:
        return
    outputs = task.outputs
    if isinstance(outputs, ForecastOutputs):
        _forecast(drafting, trial)
    elif isinstance(outputs, EmbeddingOutputs):
        drafting.know("dimensions", trial.outputs)
    elif isinstance(outputs, LabelSetOutputs):
        _label_sets(drafting, trial, targets)
    elif isinstance(outputs, ValueOutputs):
        _values(drafting, trial, columns)
    elif isinstance(outputs, BoxOutputs):
        _boxes(drafting)
    else:
        _classes(drafting, trial, {column.name: column for column in columns}.get(targets[0] if targets else ""))


def _values(drafting: Drafting, trial: Trial, columns: Columns) -> None:
    given = drafting.given
    names = given.outputs or ((f"{given.target}_estimate",) if given.target and trial.outputs == 1 else ())
    if len(names) != trial.outputs:
        values = (
            "one value a row; its name and unit"
            if trial.outputs == 1
            else f"{trial.outputs} values; their names and units"
        )
        why = f"the model gives {values} are nowhere in the checkpoint"
        drafting.ask("outputs", why, option="--outputs a,b,…", example=f"[{{name: …, unit: …}} × {trial.outputs}]")
        return
    true = {column.name for column in columns} & set(names)
    own = [f"{name}_estimate" if name in true else name for name in names]
    drafting.know("outputs", [{"name": name} for name in own])
    if true:
        reason = "columns of the sample that are called as the outputs hold what is true of them"
        drafting.know("targets", {f"{name}_estimate": name for name in names if name in true}, reason)
    elif len(own) > 1:
        drafting.ask("targets", "{output: column}: columns of files that hold what is true of each", needed=False)
    drafting.ask("outputs", "their units", needed=False)


def _forecast(drafting: Drafting, trial: Trial) -> None:
    given, signature = drafting.given, drafting.card.get("signature", [])
    horizon = trial.horizon or trial.outputs
    figures = trial.outputs if trial.horizon else 1
    names = [column["name"] for column in signature]
    of = given.forecast or (names[0] if len(names) == 1 else "")
    if not of:
        listed = f": {', '.join(names)}" if names else ""
        why = f"it gives the next {horizon} steps of one of its columns{listed}"
        drafting.ask("forecast", why, option="--forecast COLUMN", example=f"{{of: …, horizon: {horizon}}}")
        return
    if names and of not in names:
        raise CardError(f"--forecast: the signature has no column '{of}'; it has {', '.join(names)}.")
    forecast = {"of": of, "horizon": horizon}
    if figures > 1 and len(given.quantiles) != figures:
        why = f"it gives {figures} figures for each of {horizon} steps: the quantiles that they are, 0.5 among them"
        option, example = "--quantiles 0.1,0.5,…", f"{{of: {of}, horizon: {horizon}, quantiles: […]}}"
        drafting.ask("forecast", why, option=option, example=example)
        return
    if figures > 1:
        forecast["quantiles"] = list(given.quantiles)
    drafting.know("forecast", forecast, "the number of steps that it gives")
    drafting.ask("forecast", "season: how many steps a period has, for errors measured by it", needed=False)


def _label_sets(drafting: Drafting, trial: Trial, targets: tuple[str, ...]) -> None:
    given = drafting.given
    kept, key = kept_labels(drafting.kept, trial.outputs)
    if not given.labels and kept:
        drafting.know("labels", list(kept), _KEPT.format(key=key))
        drafting.ask("thresholds", _THRESHOLDS, needed=False)
        return
    if not given.labels:
        why = f"names of the {trial.outputs} labels, in the order of the outputs; the checkpoint does not hold them"
        drafting.ask("labels", why, option="--labels a,b,…")
        return
    drafting.know("labels", list(given.labels))
    true = [label for label in given.labels if label in targets]
    if true:
        reason = "columns of the sample that are called as the labels say whether they hold"
        drafting.know("targets", {label: label for label in true}, reason)
    drafting.ask("thresholds", _THRESHOLDS, needed=False)


def _boxes(drafting: Drafting) -> None:
    if drafting.given.labels:
        drafting.know("labels", list(drafting.given.labels))
    else:
        why = "names of what it finds, in the order of its label numbers from 0; the checkpoint does not hold them"
        drafting.ask("labels", why, option="--labels a,b,…")
    why = "the label that means nothing was found: torchvision's detectors keep 0 for it, which is then named first"
    drafting.ask("background", why, needed=False)


def _classes(drafting: Drafting, trial: Trial, label: SampleColumn | None) -> None:
    given = drafting.given
    classes = max(2, trial.outputs)
    kept, key = kept_labels(drafting.kept, classes)
    folders = classes_of(given.sample) if given.sample is not None and trial.takes == "image" else ()
    if given.labels:
        drafting.know("labels", list(given.labels))
    elif kept:
        drafting.know("labels", list(kept), _KEPT.format(key=key))
    elif len(folders) == classes and not trial.masks:
        why = "the folders of the sample, sorted, as torchvision's ImageFolder numbers them: compare them with your own"
        drafting.know("labels", list(folders), why)
    elif label is not None and len(label.values) == classes:
        why = f"the values of '{label.name}' in the sample, sorted, as most encoders do: compare them with your own"
        drafting.know("labels", list(label.values), why)
    else:
        why = f"names of the model's {classes} classes, in the order of its outputs; the checkpoint does not hold them"
        drafting.ask("labels", why, option="--labels a,b,…")
    if given.output_kind:
        drafting.know("output_kind", given.output_kind)
    elif trial.outputs == 1 and not trial.whole:
        why = "one figure a row is a logit or a probability of the second label"
        drafting.ask("output_kind", why, option="--output-kind", choices=("logits", "probabilities"))
