"""The LightningModule a card names, built and filled with a checkpoint's weights, in eval mode."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MethodType, ModuleType
from typing import Any

import torch
from lightning_fabric.utilities.data import AttributeDict
from torch import nn

from engine.cards.card import ModelCard
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.room import BuildRoom
from engine.errors import CardError, CheckpointError
from engine.own_code.class_paths import taken, unnamed_classes, with_objects
from engine.own_code.host_code import import_source, lightnings
from engine.own_code.missing_files import missing_file

_WRAPPERS = frozenset(  # what torch.compile, DDP, FSDP, DeepSpeed and checkpointing of activations put into names
    ("_orig_mod", "module", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
)


def lightning_package(module: object) -> ModuleType:
    """`pytorch_lightning` or `lightning.pytorch`, whichever the module is written on; CardError where it is neither."""
    for package in lightnings():
        kind = getattr(package, "LightningModule", None)
        if kind is not None and (isinstance(module, kind) or _is_subclass(module, kind)):
            return package
    raise CardError(f"{module!r} is not a LightningModule of pytorch_lightning or lightning.pytorch.")


def import_class(card: ModelCard, folder: Path) -> type[Any]:
    """The class that `module` in the card names: `file:Class` beside the card, else `package.module:Class`."""
    name, _, class_name = card.module.partition(":")
    source = import_source(name, folder, "module")
    found = getattr(source, class_name, None)
    if not inspect.isclass(found):
        names = sorted(key for key, value in vars(source).items() if inspect.isclass(value))
        raise CardError(f"module: there is no class '{class_name}' in {name}; it has {', '.join(names) or 'none'}.")
    lightning_package(found)
    return found


def build_module(card: ModelCard, folder: Path, checkpoint: Checkpoint) -> nn.Module:
    """The card's class with the checkpoint's weights, on the CPU, in eval mode.

    Raises CheckpointError where names or shapes of the weights are not those of the class; this is found on
    torch's meta device, before any memory is taken for them. A class that cannot be built there, or makes more than its
    weights, gets as much memory as BuildRoom allows.
    """
    kind = import_class(card, folder)
    with BuildRoom(card.module, checkpoint.state_dict):
        arguments = _arguments(kind, card, folder, checkpoint)
    hint = unnamed_classes(arguments)
    try:
        with BuildRoom(card.module, checkpoint.state_dict), torch.device("meta"):
            sketch: nn.Module | None = _configured(kind(**_arguments(kind, card, folder, checkpoint)))
    except CheckpointError:
        raise
    except (RuntimeError, NotImplementedError):
        sketch = None  # some honest classes compute while they are built, which meta tensors cannot
    except Exception as exc:
        raise CardError(_not_built(kind, arguments, exc, folder)) from exc
    if sketch is not None:
        wanted = sketch.state_dict()
        _compare(wanted, _renamed(wanted, checkpoint.state_dict), card, hint)
    try:
        with BuildRoom(card.module, checkpoint.state_dict):
            module = _configured(kind(**arguments))
    except CheckpointError:
        raise
    except Exception as exc:
        raise CardError(_not_built(kind, arguments, exc, folder)) from exc
    wanted = module.state_dict()
    weights = _renamed(wanted, checkpoint.state_dict)
    _compare(wanted, weights, card, hint)
    try:
        module.load_state_dict(weights)
    except RuntimeError as exc:
        raise CheckpointError(f"The checkpoint does not fit {card.module}: {' '.join(str(exc).split())}") from exc
    if card.step == "forward":
        step = lightning_package(module).LightningModule.predict_step
        module.predict_step = MethodType(step, module)  # type: ignore[assignment]
    return module.eval().requires_grad_(False)


def _configured(module: nn.Module) -> nn.Module:
    """The module after its `configure_model`, which may make its layers; a Trainer does not call that again then.

    It would before each prediction, and not every module bears that. One that asks for a Trainer is left to those.
    """
    plain = getattr(lightning_package(module).LightningModule, "configure_model", None)
    if plain is not None:
        with suppress(Exception):
            module.configure_model()  # type: ignore[operator]
            module.configure_model = MethodType(plain, module)  # type: ignore[assignment]
    return module


def missing_arguments(card: ModelCard, folder: Path, checkpoint: Checkpoint) -> tuple[str, ...]:
    """What the class must be given to be built, and neither the checkpoint nor the card holds."""
    kind = import_class(card, folder)
    given = {**checkpoint.hyper_parameters, **card.hyper_parameters, checkpoint.hyper_parameters_name: None}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(kind).parameters.values()
    return tuple(p.name for p in parameters if p.kind in plain and p.default is p.empty and p.name not in given)


def _is_subclass(kind: object, parent: type) -> bool:
    return inspect.isclass(kind) and issubclass(kind, parent)


def _arguments(kind: type, card: ModelCard, folder: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """What the class is built with: the checkpoint's hyper-parameters and the card's, the card first."""
    values = with_objects(card.hyper_parameters, checkpoint.hyper_parameters, folder)
    whole = checkpoint.hyper_parameters_name
    if whole in inspect.signature(kind).parameters and whole not in values:
        return {**taken(kind, card.hyper_parameters), whole: AttributeDict(values)}  # it may be read as a Namespace
    return taken(kind, values)


def _not_built(kind: type, arguments: Mapping[str, Any], exc: Exception, folder: Path) -> str:
    mending = missing_file(exc, folder, arguments)
    if mending:
        return f"{kind.__name__} cannot be built. {mending}"
    given = ", ".join(sorted(arguments)) or "none"
    return (
        f"{kind.__name__} cannot be built ({type(exc).__name__}: {exc}). Its arguments come from the checkpoint's "
        f"hyper-parameters and the card's hyper_parameters; given: {given}."
        f"{unnamed_classes(arguments)}"
    )


def _renamed(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`found` by the names in `wanted`, where nothing but what wraps modules differs; else as it is."""
    names = {_unwrapped(name): name for name in wanted}
    plain = {_unwrapped(name): tensor for name, tensor in found.items()}
    if len(names) == len(wanted) and len(plain) == len(found) and names.keys() == plain.keys():
        return {names[name]: tensor for name, tensor in plain.items()}
    return dict(found)


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _compare(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], card: ModelCard, hint: str) -> None:
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or extra:
        what = f"lacks '{missing[0]}'" if missing else f"has '{extra[0]}', which the class does not know"
        raise CheckpointError(
            f"The checkpoint is not one of {card.module}: it {what} ({len(missing)} weights missing, {len(extra)} "
            f"unknown). Name the class it was trained with.{hint}"
        )
    for name, tensor in wanted.items():
        learnt = tensor.numel() == 0  # a memory bank, say, whose size only the training knows
        if tensor.shape != found[name].shape and not learnt:
            raise CheckpointError(
                f"The checkpoint does not fit {card.module}: '{name}' is {list(found[name].shape)} there, the class "
                f"makes {list(tensor.shape)}. Give the hyper-parameters it was trained with in the card."
            )
