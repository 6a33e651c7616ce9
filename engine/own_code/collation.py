"""The collation of a class that the card names: a LightningDataModule's for predictions, or a collator's own call.

The class is built from the checkpoint's values and the card's `data_parameters`, the card first; no data is needed
where the loader, or a method `collate_fn`, can be had without.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from engine.cards.card import ModelCard
from engine.errors import CardError
from engine.own_code.class_paths import taken, what_lacks, with_objects
from engine.own_code.host_code import HostFunction, lightnings

_HOOKS = ("on_before_batch_transfer", "on_after_batch_transfer")
Collate = Callable[[list[Any]], Any]


def collation_of(named: HostFunction, card: ModelCard, folder: Path, found: Mapping[str, Any]) -> HostFunction:
    """What makes a batch of a list of items: `named` as it is where it is no class; CardError where a class has none.

    `found` are the checkpoint's values for the class.
    """
    kind = named.function
    if not inspect.isclass(kind):
        return named
    made = _built(named, kind, card, folder, found)
    file = inspect.getsourcefile(kind) or ""
    if any(isinstance(made, package.LightningDataModule) for package in lightnings()):
        return HostFunction(named.key, named.reference, _with_hooks(made, _collate_of(named, made)), file)
    if not callable(made):
        raise CardError(
            f"collate: {named.reference} is neither a LightningDataModule nor a class whose objects make a batch of a "
            "list when they are called. Name such a class, or a function."
        )
    return HostFunction(named.key, named.reference, made, file)


def _built(named: HostFunction, kind: Any, card: ModelCard, folder: Path, found: Mapping[str, Any]) -> Any:
    arguments = taken(kind, with_objects(card.data_parameters, found, folder, "data_parameters"))
    try:
        return kind(**arguments)
    except Exception as exc:  # the host's own class
        raise CardError(
            f"collate: {named.reference} cannot be built ({type(exc).__name__}: {exc}). Its arguments come from the "
            f"checkpoint's values of the DataModule and the card's data_parameters; given: "
            f"{', '.join(sorted(arguments)) or 'none'}.{what_lacks(exc, arguments, folder)}"
        ) from exc


def _collate_of(named: HostFunction, module: Any) -> Collate:
    """The predict_dataloader's collate_fn; without data the method `collate_fn`; else the loader's once set up."""
    found, _ = _of_loader(module)
    found = found or getattr(module, "collate_fn", None)
    if found is None:
        found, why = _of_loader(module, "predict")
        if found is None:
            raise CardError(
                f"collate: {named.reference} shows no collation: it has no method collate_fn, and neither has "
                f"predict_dataloader() one after setup('predict') here ({why}). Give it the method, or name a function."
            )
    return found


def _of_loader(module: Any, stage: str = "") -> tuple[Collate | None, str]:
    """(the collate_fn of the module's first loader for predictions, "") or (None, what was in the way)."""
    try:
        if stage:
            module.setup(stage)
        loaders = module.predict_dataloader()
    except Exception as exc:  # the host's own class, whose data may not be here
        return None, f"{type(exc).__name__}: {str(exc).strip().splitlines()[0] if str(exc).strip() else 'no message'}"
    first = next(_loaders(loaders), None)
    return (
        (None, f"it gave {type(loaders).__name__}, which is no DataLoader") if first is None else (first.collate_fn, "")
    )


def _loaders(found: object) -> Iterator[DataLoader[Any]]:
    if isinstance(found, DataLoader):
        yield found
    elif isinstance(found, Mapping):
        yield from _loaders(list(found.values()))
    elif isinstance(found, list | tuple):
        for each in found:
            yield from _loaders(each)


def _with_hooks(module: Any, collate: Collate) -> Collate:
    """The same, and then what the DataModule does to a batch on its way to the device, where it does something."""
    hooks = [
        getattr(module, name)
        for name in _HOOKS
        if not any(getattr(type(module), name) is getattr(each.LightningDataModule, name) for each in lightnings())
    ]
    if not hooks:
        return collate

    def batch_of(items: list[Any]) -> Any:
        batch = collate(items)
        for hook in hooks:
            batch = hook(batch, 0)
        return batch

    return batch_of
