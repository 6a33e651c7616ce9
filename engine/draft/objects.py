"""Hyper-parameters that are objects: the host is asked which, with what the checkpoint shows of them proposed."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import yaml

from engine.cards.card import ModelCard
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.module import import_class
from engine.draft.drafting import Drafting
from engine.own_code.class_paths import taken
from engine.own_code.host_code import import_source


def open_objects(
    objects: Mapping[str, dict[str, Any]], start: ModelCard, folder: Path, checkpoint: Checkpoint
) -> dict[str, dict[str, Any]]:
    """Those that the class takes and nobody has told: a default in their place might be another one."""
    told, kind = start.hyper_parameters, import_class(start, folder)
    whole = checkpoint.hyper_parameters_name in inspect.signature(kind).parameters
    wanted = objects if whole else taken(kind, objects)
    return {name: each for name, each in wanted.items() if name not in told}


def left_out(objects: Mapping[str, Mapping[str, Any]]) -> str:
    """What the card says of a checkpoint that was copied without them; "" where there were none."""
    named = ", ".join(f"{name} ({each.get('class_path', 'several')})" for name, each in objects.items())
    return f"written anew without the objects among its hyper-parameters: {named}" if named else ""


def ask_for_objects(
    drafting: Drafting, start: ModelCard, folder: Path, objects: Mapping[str, Mapping[str, Any]], why: str
) -> None:
    """Asks for arguments that are objects; what is proposed names classes beside the card by its file."""
    name, _, kind = start.module.partition(":")
    beside = vars(import_source(name, folder, "module"))
    proposed = {key: _flow(_beside(each, name, beside)) for key, each in objects.items()}
    shown = ", ".join(f"{key}: {value}" for key, value in proposed.items())
    options = " ".join(f"--set {shlex.quote(f'{key}={value}')}" for key, value in proposed.items())
    drafting.ask(
        "hyper_parameters",
        f"{kind} takes {', '.join(objects)}, {why}",
        option=options,
        example=f"{{{shown}}}",
        answer=shown,
    )


def _beside(value: Any, module: str, names: Container[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    own = str(value.get("class_path", "")).rpartition(".")[2]
    found = {key: _beside(each, module, names) for key, each in value.items()}
    return {**found, "class_path": f"{module}.{own}"} if own in names else found


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip() if value else "…"
