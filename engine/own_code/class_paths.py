"""Arguments that are objects, as LightningCLI writes them: `{class_path: …, init_args: {…}}`.

A checkpoint may describe one, and is not believed: a class is imported only where the *card* names it. What the
checkpoint says of its arguments, plain values, then goes along.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from engine.errors import CardError
from engine.own_code.host_code import import_source
from engine.own_code.missing_files import missing_file

_CLASS, _ARGUMENTS = "class_path", "init_args"


def with_objects(
    said: Mapping[str, Any], found: Mapping[str, Any], folder: Path, key: str = "hyper_parameters"
) -> dict[str, Any]:
    """What the checkpoint `found` and the card `said`, the card first, with an object for each class the card names."""
    objects = {name: _value(f"{key}.{name}", value, found.get(name), folder) for name, value in said.items()}
    return {**found, **objects}


def taken(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that the class takes; all of them where it takes **kwargs."""
    if issubclass(kind, Enum):  # its signature is another one in each version of Python
        return {name: value for name, value in values.items() if name == "value"}
    parameters = inspect.signature(kind).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(values)
    return {name: value for name, value in values.items() if name in parameters}


def unnamed_classes(arguments: Mapping[str, Any]) -> str:
    """A sentence for what is still a description of an object: what the card may say; "" where nothing is."""
    lacking = list(described_classes(arguments))
    if not lacking:
        return ""
    named = "; ".join(f"{path}: {{class_path: {name}}}" for path, name in lacking)
    return (
        " The checkpoint only names classes for some of them, and a file is not believed about classes: where the "
        f"class needs the object itself, say so in the card's hyper_parameters: {named}."
    )


def what_lacks(exc: Exception, arguments: Mapping[str, Any], folder: Path) -> str:
    """What to do where an object could not be built with these: of classes not named, and of a file that is missing."""
    return f"{unnamed_classes(arguments)} {missing_file(exc, folder, arguments)}".rstrip()


def _value(key: str, said: Any, found: Any, folder: Path) -> Any:
    if isinstance(said, list | tuple):
        return [_value(f"{key}[{number}]", each, None, folder) for number, each in enumerate(said)]
    if not _is_object(said):
        return said
    kind = _class(key, str(said[_CLASS]), folder)
    same = _is_object(found) and _dotted(found[_CLASS]).rpartition(".")[2] == kind.__name__
    known: Mapping[str, Any] = (found.get(_ARGUMENTS) or {}) if same else {}
    arguments = taken(kind, with_objects(said.get(_ARGUMENTS) or {}, known, folder))
    try:
        return kind(**arguments)
    except Exception as exc:  # the host's own class
        raise CardError(
            f"{key}: {kind.__name__} cannot be built ({type(exc).__name__}: {exc}); given: "
            f"{', '.join(sorted(arguments)) or 'nothing'}.{what_lacks(exc, arguments, folder)}"
        ) from exc


def _class(key: str, path: str, folder: Path) -> Any:
    """`package.module.Class`, or `module:Class`, beside the card or installed."""
    module, _, name = _dotted(path).rpartition(".")
    kind = getattr(import_source(module, folder, key), name, None) if module else None
    if not inspect.isclass(kind):
        raise CardError(f"{key}: there is no class '{path}'. Expected module.Class, beside the card or in a package.")
    return kind


def described_classes(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, path of its class) of each value that is still a description of an object."""
    for name, value in values.items():
        if _is_object(value):
            yield name, str(value[_CLASS])


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and _CLASS in value and set(value) <= {_CLASS, _ARGUMENTS}


def _dotted(path: object) -> str:
    return str(path).replace(":", ".")
