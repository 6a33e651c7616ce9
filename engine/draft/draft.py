"""From a checkpoint and its class to a card: each key found, or left open with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

from engine.card import ModelCard, file_hash
from engine.checkpoint import load_checkpoint
from engine.draft.given import Draft, Given, Question
from engine.draft.sample import SampleColumn, names_of, read_sample
from engine.draft.trial import Takes, Trial, try_out
from engine.errors import CardError
from engine.module import build_module, missing_arguments
from engine.settings import Settings
from engine.tasks import TASKS
from engine.tasks.class_outputs import ClassOutputs
from engine.tasks.image_inputs import ImageInputs
from engine.tasks.sequence_inputs import SequenceInputs
from engine.tasks.table_inputs import TableInputs
from engine.tasks.value_outputs import ValueOutputs

CHECKPOINT = "model.ckpt"
_INPUTS: Mapping[Takes, type] = {"table": TableInputs, "image": ImageInputs, "sequence": SequenceInputs}
_CLASS_LOSSES = (nn.CrossEntropyLoss, nn.NLLLoss, nn.BCEWithLogitsLoss, nn.BCELoss, nn.MultiMarginLoss)
_VALUE_LOSSES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.GaussianNLLLoss, nn.PoissonNLLLoss)
_TARGETS = ("target", "label", "y", "class", "outcome")


class _Drafting:
    """One card on its way."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.card: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        self.questions: list[Question] = []

    def know(self, key: str, value: Any, reason: str = "") -> None:
        self.card[key] = value
        if reason:
            self.reasons[key] = reason

    def ask(self, key: str, why: str, **more: Any) -> None:
        self.questions.append(Question(key, why, **more))

    def done(self) -> Draft:
        return Draft(self.card, self.reasons, tuple(self.questions))


def draft_model(given: Given, folder: Path, settings: Settings) -> Draft:
    """What is known of the checkpoint's card; copies checkpoint, Python file and sample into `folder`.

    Raises CardError, CheckpointError, ReadError, ModuleProbeError where the files are not what they should be.
    """
    drafting = _Drafting(given)
    module_name = _copy(given, folder)
    drafting.know("title", given.title or _title(folder.name), "" if given.title else "from the folder's name")
    drafting.know("module", module_name)
    drafting.know("checkpoint", CHECKPOINT)
    drafting.know("sha256", file_hash(folder / CHECKPOINT))
    start = ModelCard(
        title="draft",
        task="draft",
        module=module_name,
        checkpoint=CHECKPOINT,
        hyper_parameters=dict(given.hyper_parameters),
    )
    checkpoint = load_checkpoint(folder / CHECKPOINT, start)
    lacking = missing_arguments(start, folder, checkpoint)
    if lacking:
        why = f"{module_name.partition(':')[2]} needs {', '.join(lacking)}, which the checkpoint does not hold"
        drafting.ask("hyper_parameters", why, option="--set name=value", example=", ".join(f"{n}: …" for n in lacking))
        return drafting.done()
    if given.hyper_parameters:
        drafting.know("hyper_parameters", dict(given.hyper_parameters))
    module = build_module(start, folder, checkpoint)
    trial = try_out(module)
    columns, rows = _sample(given, folder, settings)
    _task(drafting, module, trial)
    target = _target(drafting, trial, columns)
    _inputs(drafting, trial, columns, target)
    _outputs(drafting, trial, {column.name: column for column in columns}.get(target))
    if given.sample is not None:
        title = f"{len(rows):,} rows" if len(rows) else given.sample.stem
        drafting.know("samples", [{"title": title, "files": [f"samples/{given.sample.name}"]}])
    drafting.ask("description", "what the model does, for somebody who has never heard of it", needed=False)
    return drafting.done()


def _copy(given: Given, folder: Path) -> str:
    """Puts the files where a card looks for them; the module's name in the card."""
    if not given.checkpoint.is_file():
        raise CardError(f"There is no checkpoint '{given.checkpoint}'.")
    name, colon, kind = given.module.rpartition(":")
    if not colon or not name or not kind.isidentifier():
        raise CardError(f"--module: '{given.module}' is not package.module:Class, nor file.py:Class.")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(given.checkpoint, folder / CHECKPOINT)
    if given.sample is not None:
        (folder / "samples").mkdir(exist_ok=True)
        shutil.copyfile(given.sample, folder / "samples" / given.sample.name)
    if not name.endswith(".py"):
        return given.module
    path = Path(name)
    if not path.is_file():
        raise CardError(f"--module: there is no file '{name}'.")
    if path.resolve() != (folder / path.name).resolve():
        shutil.copyfile(path, folder / path.name)
    return f"{path.stem}:{kind}"


def _sample(given: Given, folder: Path, settings: Settings) -> tuple[tuple[SampleColumn, ...], pl.DataFrame]:
    if given.sample is None or given.sample.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tiff"):
        return (), pl.DataFrame()
    if given.sample.suffix.lower() == ".zip":
        return (), pl.DataFrame()
    rows, columns = read_sample(given.sample, settings)
    return columns, rows


def _task(drafting: _Drafting, module: nn.Module, trial: Trial) -> None:
    if drafting.given.task:
        drafting.know("task", drafting.given.task)
        return
    classes, values = _task_name(trial.takes, ClassOutputs), _task_name(trial.takes, ValueOutputs)
    if not classes:
        drafting.know("task", values, "it runs on series of steps")
        return
    losses = [type(part).__name__ for part in module.modules() if isinstance(part, (*_CLASS_LOSSES, *_VALUE_LOSSES))]
    for_classes = any(isinstance(part, _CLASS_LOSSES) for part in module.modules())
    for_values = any(isinstance(part, _VALUE_LOSSES) for part in module.modules())
    if trial.adds_up or trial.whole:
        drafting.know("task", classes, "its outputs are " + ("shares that sum to one" if trial.adds_up else "integers"))
    elif for_classes != for_values:
        drafting.know("task", classes if for_classes else values, f"its loss is a {losses[0]}")
    else:
        figures = "one figure" if trial.outputs == 1 else f"{trial.outputs} figures"
        why = f"it gives {figures} a row, which may be values or logits of classes; its weights do not say which"
        drafting.ask("task", why, option="--task", choices=(classes, values))


def _task_name(takes: Takes, outputs: type) -> str:
    """The task of such inputs and outputs; "" where there is none."""
    fitting = (task.name for task in TASKS.values() if type(task.inputs) is _INPUTS[takes])
    return next((name for name in fitting if type(TASKS[name].outputs) is outputs), "")


def _target(drafting: _Drafting, trial: Trial, columns: tuple[SampleColumn, ...]) -> str:
    """The column of the sample that is the label, or ""."""
    names = [column.name for column in columns]
    if drafting.given.target:
        if columns and drafting.given.target not in names:
            has = names_of(columns)
            raise CardError(f"--target: the sample has no column '{drafting.given.target}'; it has {has}.")
        drafting.know("target", drafting.given.target)
        return drafting.given.target
    usual = [name for name in names if name.casefold() in _TARGETS]
    if len(usual) == 1 and len(columns) == trial.width + 1:
        drafting.know("target", usual[0], f"the sample has one column more than the {trial.width} the model takes")
        return usual[0]
    return ""


def _inputs(drafting: _Drafting, trial: Trial, columns: tuple[SampleColumn, ...], target: str) -> None:
    if trial.takes == "image":
        _image(drafting, trial)
        return
    if trial.takes == "sequence":
        drafting.know("sequence", {"series": "series", "step": "step"})
        drafting.ask("sequence", "which columns tell series apart and order their steps", needed=False)
    wanted = [column for column in columns if column.name != target]
    if drafting.given.inputs:
        known = {column.name: column for column in columns}
        lost = [name for name in drafting.given.inputs if columns and name not in known]
        if lost:
            raise CardError(f"--inputs: the sample has no column '{lost[0]}'; it has {names_of(columns)}.")
        wanted = [known.get(name, SampleColumn(name, "float", 0)) for name in drafting.given.inputs]
    elif trial.takes == "sequence":
        wanted = [column for column in wanted if column.name.casefold() not in ("series", "step", "time", "id")]
    if len(wanted) == trial.width and all(column.type != "string" for column in wanted):
        reason = f"the sample's {trial.width} columns, in its order" if columns else ""
        drafting.know("signature", [column.as_card() for column in wanted], reason)
        codes = [column for column in wanted if column.type == "category"]
        if codes:
            drafting.ask(
                "signature",
                f"categories of {names_of(codes)} are in alphabetical order: their place is the code the model is fed",
                needed=False,
            )
        drafting.ask("signature", "units and valid ranges: a row outside of a range is not predicted", needed=False)
        return
    found = f"the sample has {len(wanted)} ({names_of(tuple(wanted))})" if columns else "there is no sample with names"
    drafting.ask(
        "signature",
        f"the model takes {trial.width} columns; {found}",
        option="--inputs a,b,…" if columns else "--sample FILE, or --inputs a,b,…",
        example=f"[{{name: …}} × {trial.width}]",
    )


def _image(drafting: _Drafting, trial: Trial) -> None:
    given = drafting.given.size
    if given is not None or len(trial.sizes) == 1:
        size = given or (trial.sizes[0], trial.sizes[0])
        reason = "" if given else "the only size tried that it runs on"
        drafting.know("image", {"size": list(size), "channels": trial.width}, reason)
        drafting.ask("image", "mean and std that pixels (0 … 1) were normalised with", needed=False)
        return
    sizes = ", ".join(map(str, trial.sizes))
    drafting.ask("image", f"it runs on pictures of {sizes} pixels; one of them it was trained on", option="--size")


def _outputs(drafting: _Drafting, trial: Trial, label: SampleColumn | None) -> None:
    task = str(drafting.card.get("task", ""))
    given = drafting.given
    if task in TASKS and isinstance(TASKS[task].outputs, ValueOutputs):
        names = given.outputs or ((f"{given.target}_estimate",) if given.target and trial.outputs == 1 else ())
        if len(names) == trial.outputs:
            drafting.know("outputs", [{"name": name} for name in names])
            drafting.ask("outputs", "their units", needed=False)
        else:
            why = f"the model gives {trial.outputs} values a row; their names and units are nowhere in the checkpoint"
            drafting.ask("outputs", why, option="--outputs a,b,…", example=f"[{{name: …, unit: …}} × {trial.outputs}]")
        return
    if not task:
        return
    classes = max(2, trial.outputs)
    if given.labels:
        drafting.know("labels", list(given.labels))
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


def _title(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or "Model"
