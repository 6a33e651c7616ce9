"""From a checkpoint and its class to a card: each key found, or left open with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from engine.cards.card import ModelCard, file_hash
from engine.cards.code_files import root_of
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.checkpoints.module import build_module, missing_arguments
from engine.draft.drafting import Drafting
from engine.draft.given import Draft, Given
from engine.draft.inputs import Columns, find_inputs, find_targets, named_inputs, without_labels
from engine.draft.kept import kept_size
from engine.draft.kind import find_task, takes_of, tasks_like
from engine.draft.objects import ask_for_objects, left_out, open_objects
from engine.draft.outputs import find_outputs
from engine.draft.pictures import pack_pictures, size_of
from engine.draft.sample import read_sample
from engine.draft.trial import Trial, asked_keys, try_out, try_with
from engine.draft.without_objects import copy_without_objects
from engine.draft.written import Written
from engine.errors import CardError, CheckpointError, OutputUnclear
from engine.own_code.class_paths import described_classes
from engine.own_code.functions import own_code_of
from engine.own_code.local_code import file_here, files_of, name_of
from engine.readers.source import IMAGE_SUFFIXES
from engine.settings import Settings

CHECKPOINT = "model.ckpt"
_NO_TABLES = (*IMAGE_SUFFIXES, ".zip")


def draft_model(given: Given, folder: Path, settings: Settings) -> Draft:
    """What is known of the checkpoint's card; copies checkpoint, Python files and sample into `folder`.

    Raises CardError, CheckpointError, ReadError, ModuleProbeError where the files are not what they should be.
    """
    drafting = Drafting(given)
    module_name, own, objects = _copy(given, folder)
    drafting.know("title", given.title or _title(folder.name), "" if given.title else "from the folder's name")
    drafting.know("module", module_name)
    drafting.know("checkpoint", CHECKPOINT, left_out(objects))
    drafting.know("sha256", file_hash(folder / CHECKPOINT))
    for key, reference in own.items():
        drafting.know(key, reference)
    start = ModelCard(
        title="draft",
        task="draft",
        module=module_name,
        checkpoint=CHECKPOINT,
        hyper_parameters=dict(given.hyper_parameters),
        **own,
    )
    checkpoint = load_checkpoint(folder / CHECKPOINT, start)
    drafting.kept = {**checkpoint.data_parameters, **checkpoint.hyper_parameters}
    if given.output_key:
        drafting.know("output_key", given.output_key)
    if given.hyper_parameters:
        drafting.know("hyper_parameters", dict(given.hyper_parameters))
    objects = open_objects(objects, start, folder, checkpoint)
    if objects:
        ask_for_objects(
            drafting,
            start,
            folder,
            objects,
            "which the checkpoint holds as objects, and nothing of a file is run: say which, null where predictions "
            "need none",
        )
        return drafting.done()
    lacking = missing_arguments(start, folder, checkpoint)
    if lacking:
        why = f"{module_name.partition(':')[2]} needs {', '.join(lacking)}, which the checkpoint does not hold"
        drafting.ask(
            "hyper_parameters",
            why,
            option="--set name=value",
            answer="features=3, hidden=8",
            example=", ".join(f"{n}: …" for n in lacking),
        )
        return drafting.done()
    module = _built(drafting, start, folder, checkpoint)
    if module is None:
        return drafting.done()
    columns, rows = _sample(given, settings)
    try:
        trial = _tried(drafting, module, start, checkpoint, folder, columns)
    except OutputUnclear as exc:
        if given.output_key or not exc.choices:
            raise
        trial, why = None, f"{type(module).__name__} gives several things; which of them is the prediction"
        drafting.ask("output_key", why, option="--output-key", choices=exc.choices)
    if trial is not None:
        find_task(drafting, module, trial)
        targets = find_targets(drafting, trial, columns)
        find_inputs(drafting, trial, columns, targets)
        find_outputs(drafting, trial, columns, targets)
    if given.sample is not None:
        title = f"{rows:,} rows" if rows else given.sample.stem
        drafting.know("samples", [{"title": title, "files": [f"samples/{_sample_name(given.sample)}"]}])
    drafting.ask("description", "what the model does, for somebody who has never heard of it", needed=False)
    return drafting.done()


def _built(drafting: Drafting, start: ModelCard, folder: Path, checkpoint: Checkpoint) -> nn.Module | None:
    """The module; None where arguments are objects that the checkpoint only describes, and the host is asked for."""
    try:
        return build_module(start, folder, checkpoint)
    except (CardError, CheckpointError) as exc:
        said = drafting.given.hyper_parameters
        lacking = {name: path for name, path in described_classes(checkpoint.hyper_parameters) if name not in said}
        if not lacking or str(exc).startswith("hyper_parameters"):  # what the host has said is wrong
            raise
        ask_for_objects(
            drafting,
            start,
            folder,
            {key: {"class_path": path} for key, path in lacking.items()},
            "which the checkpoint only describes, and a file is not believed about classes: say which "
            f"({str(exc).partition('. ')[0]})",
        )
        return None


def _tried(
    drafting: Drafting, module: nn.Module, start: ModelCard, checkpoint: Checkpoint, folder: Path, columns: Columns
) -> Trial | None:
    """How the module ran; None where that is open, and asked for."""
    given = drafting.given
    if {"encode", "collate"} & set(given.own):
        wanted = named_inputs(drafting, columns) or without_labels(given, columns)
        if not wanted:
            why = "which columns of files the function gets, and of what type"
            drafting.ask("signature", why, option="--sample FILE", example="[{name: text, type: string, example: …}]")
            return None
        told: dict[str, Any] = {"signature": [column.as_card() for column in wanted]}
        if given.sample is not None and columns:
            told["samples"] = [{"title": "sample", "files": [f"samples/{given.sample.name}"]}]
        card = ModelCard.model_validate({**start.model_dump(), **told})
        return try_with(module, card, own_code_of(card, folder, checkpoint.data_parameters), folder)
    sizes = [kept_size(drafting.kept)[0], size_of(given.sample) if given.sample else 0, *(given.size or ())[:1]]
    found = try_out(module, takes_of(given.task), len(given.inputs), given.output_key, [size for size in sizes if size])
    if isinstance(found, Trial):
        return found
    for key, value in (("task", given.task), ("labels", list(given.labels)), ("target", given.target)):
        if value:
            drafting.know(key, value)
    drafting.ask("encode", _unread(module), option="--encode file.py:function --sample FILE", example="file:function")
    if not given.task:
        why = f"{type(module).__name__} ran on none of what was tried ({found})"
        drafting.ask("task", why, option="--task", choices=tasks_like(module))
    return None


def _unread(module: nn.Module) -> str:
    """Why a function has to make what the module takes."""
    tables = [type(part).__name__ for part in module.modules() if isinstance(part, nn.Embedding | nn.EmbeddingBag)]
    keys = " and ".join(f"'{key}'" for key in asked_keys(module))
    if keys:
        return f"its step asks the batch for {keys}: a function makes of rows a dict with them (docs/encode.md)"
    if tables:
        return f"it has an {tables[0]}: whole numbers, which a function makes of texts or codes (docs/encode.md)"
    return (
        f"{type(module).__name__} takes neither rows of numbers, nor series, nor pictures as they are; a function "
        "makes of rows what it takes (docs/encode.md)"
    )


def _copy(given: Given, folder: Path) -> tuple[str, dict[str, str], dict[str, dict[str, Any]]]:
    """Puts the files where a card looks for them.

    (the module's name in the card, its own functions' names, the hyper-parameters left out because they are objects)
    """
    if not given.checkpoint.is_file():
        raise CardError(f"There is no checkpoint '{given.checkpoint}'.")
    if given.sample is not None and not given.sample.exists():
        raise CardError(f"--sample: there is no file '{given.sample}'.")
    named = {"module": given.module, **given.own}
    sources = {key: _source(key, reference) for key, reference in named.items()}
    folder.mkdir(parents=True, exist_ok=True)
    written = Written(folder)
    for path, _ in sources.values():
        if path is not None:
            for each in files_of(path):
                written.copy(each, str(each.absolute().relative_to(root_of(path))))
    if given.sample is not None:
        _copy_sample(given.sample, written)
    objects = _copied_checkpoint(given.checkpoint, folder, written)
    said = {key: reference for key, (_, reference) in sources.items()}
    return said.pop("module"), said, objects


def _copy_sample(sample: Path, written: Written) -> None:
    name = f"samples/{_sample_name(sample)}"
    if not sample.is_dir():
        written.copy(sample, name)
        return
    with TemporaryDirectory(prefix="forelight-") as scratch:
        packed = Path(scratch) / _sample_name(sample)
        pack_pictures(sample, packed)
        written.copy(packed, name)


def _sample_name(sample: Path) -> str:
    """What the sample is called beside the card: of a folder some pictures become a zip."""
    return f"{sample.resolve().name}.zip" if sample.is_dir() else sample.name


def _copied_checkpoint(checkpoint: Path, folder: Path, written: Written) -> dict[str, dict[str, Any]]:
    """The objects that the copy lacks; CardError where the folder has another checkpoint, of a model that is served."""
    target = folder / CHECKPOINT
    same = checkpoint.resolve() == target.resolve()
    if not same and not written.is_free(CHECKPOINT) and file_hash(target) != file_hash(checkpoint):
        raise CardError(f"{target} is there already, and is another checkpoint. Name another folder, or rename it.")
    objects = copy_without_objects(checkpoint, target)
    if not same:
        written.note(CHECKPOINT)
    return objects


def _source(key: str, reference: str) -> tuple[Path | None, str]:
    """(the Python file that is copied, or None for a package's; what the card says)."""
    name, colon, called = reference.rpartition(":")
    if not colon or not name or not called.isidentifier():
        what = "Class" if key == "module" else "function"
        raise CardError(f"--{key}: '{reference}' is not package.module:{what}, nor file.py:{what}.")
    path = Path(name) if name.endswith(".py") else file_here(name)
    if path is None:
        return None, reference
    if not path.is_file():
        raise CardError(f"--{key}: there is no file '{name}'.")
    return path, f"{name_of(path)}:{called}"


def _sample(given: Given, settings: Settings) -> tuple[Columns, int]:
    """(the sample's columns, how many rows it has); none of a sample that is no table."""
    if given.sample is None or given.sample.is_dir() or given.sample.suffix.lower() in _NO_TABLES:
        return (), 0
    rows, columns = read_sample(given.sample, settings)
    if given.own.get("encode"):  # a function gets texts, whatever they say
        columns = tuple(replace(each, type="string") if each.type == "category" else each for each in columns)
    return columns, len(rows)


def _title(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or "Model"
