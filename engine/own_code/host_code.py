"""The host's own code that a card names: classes and functions, in a file beside the card or in a package.

What such a function raises becomes a sentence with its name and the line, in the host's file where it got there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from engine.cards.code_files import file_beside, hash_of, root_of, siblings
from engine.errors import CardError, DecodeRaised, EncodeRaised, ForelightError, HostCodeFailed
from engine.own_code.importable import AsItStands, importable
from engine.own_code.missing_files import missing_file

_NOT_THE_ROWS = (MemoryError, OSError, torch.OutOfMemoryError, torch.AcceleratorError)
_MOST_SIGNS = 300


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of the host's; `key` is the card's key that names it, `reference` what stands there.

    `file` is where its code is, needed only where the function itself does not say.
    """

    key: str
    reference: str
    function: Callable[..., Any]
    file: str = ""

    def __call__(self, *arguments: Any) -> Any:
        """What the function gives; HostCodeFailed where it raises."""
        try:
            return self.function(*arguments)
        except ForelightError:
            raise
        except Exception as exc:
            raise self.failed(exc) from exc

    def failed(self, exc: Exception) -> HostCodeFailed:
        """The sentence about what the function raised; a HostCodeRaised where that may be about some rows only."""
        file = self.file or getattr(getattr(self.function, "__code__", None), "co_filename", "")
        frames = traceback.extract_tb(exc.__traceback__)
        own = [frame for frame in frames if frame.filename == file] or frames[-1:]
        where = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
        words = str(exc).strip().splitlines()
        said = f"{type(exc).__name__}{f': {words[0]}' if words else ''}"
        sentence = f"{self.key}: {self.reference} failed{where}: {said}"
        if isinstance(exc, _NOT_THE_ROWS):
            mending = missing_file(exc, Path(file).parent)
            return HostCodeFailed(f"{sentence}. {mending}" if mending else sentence)
        why = words[0] if words and type(exc) in (ValueError, RuntimeError) else said
        kind = DecodeRaised if self.key == "decode" else EncodeRaised
        return kind(sentence, self.key, why[:_MOST_SIGNS])

    def refuse(self, what: str) -> HostCodeFailed:
        """The sentence about what the function gave, where that is of no use."""
        return HostCodeFailed(f"{self.key}: {self.reference} {what}")


def lightnings() -> list[ModuleType]:
    """Those of `pytorch_lightning` and `lightning.pytorch` that are imported."""
    return [sys.modules[name] for name in ("pytorch_lightning", "lightning.pytorch") if name in sys.modules]


def import_source(name: str, folder: Path, key: str) -> ModuleType:
    """`name`.py beside the card, else the package's module of that name; CardError where it cannot be imported."""
    beside = file_beside(name, folder)
    try:
        if name == "__main__":
            raise ImportError("a script's own name, which only that script knows")
        return _import_file(beside, folder) if beside is not None else importlib.import_module(name)
    except Exception as exc:  # importing runs the host's own code
        mending = missing_file(exc, folder) or _mending(exc, name, folder, beside)
        raise CardError(f"{key}: '{name}' cannot be imported ({type(exc).__name__}: {exc}). {mending}") from exc


def _mending(exc: Exception, name: str, folder: Path, beside: Path | None) -> str:
    """What to do about the error of an import."""
    if name == "__main__":
        return "Put a file with the class beside the card, or install the package it is in."
    if isinstance(exc, ModuleNotFoundError):
        top, *inside = (exc.name or name).split(".")
        lacking = "/".join((top, *inside)) if (folder / top).is_dir() else top  # a package that is there, but not whole
        return f"Put {lacking}.py beside the card, or install the package it is in."
    if isinstance(exc, SyntaxError):
        return "Mend that line."
    frames = traceback.extract_tb(exc.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder.absolute())]
    if beside is None or not own:
        return "Look whether the package is whole, and of the version that the model was trained with."
    return f"Mend {Path(own[-1].filename).name}, line {own[-1].lineno}."


def import_function(key: str, reference: str, folder: Path) -> HostFunction:
    """The function that the card's `key` names as `module:name`; CardError where there is none."""
    name, _, called = reference.partition(":")
    source = import_source(name, folder, key)
    found = getattr(source, called, None)
    if not callable(found):
        own = [each for each, value in vars(source).items() if callable(value) and value.__module__ == source.__name__]
        raise CardError(f"{key}: there is no function '{called}' in {name}; it has {', '.join(sorted(own)) or 'none'}.")
    return HostFunction(key, reference, found)


def _import_file(path: Path, folder: Path) -> ModuleType:
    """The file as a module, named by its content and that of the files it imports: once changed it is a new one.

    One that is part of a package in the folder is imported as that.
    """
    root = root_of(path, folder)
    name = f"forelight_model_{hash_of((path, *siblings(path, folder)), str(path).encode())[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if root != path.absolute().parent:
        sys.modules[name] = part = _import_part(path, root)
        return part
    spec = importlib.util.spec_from_file_location(name, path, loader=AsItStands(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with importable(path.parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_part(path: Path, root: Path) -> ModuleType:
    """The file as the part of the package in `root` that it is: its relative imports lead somewhere then.

    Meanwhile a package of that name that is imported already, or installed, is out of sight.
    """
    name = ".".join(path.absolute().relative_to(root).with_suffix("").parts)
    top = name.partition(".")[0]
    hidden = {each: sys.modules.pop(each) for each in list(sys.modules) if each.partition(".")[0] == top}
    try:
        with importable(root), importable(path.parent):  # beside it, as where a script ran
            spec = PathFinder.find_spec(top, [str(root)])
            if spec is None or spec.loader is None:
                raise ImportError(f"{top} is not a Python package")
            sys.modules[top] = whole = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(whole)
            return importlib.import_module(name)
    finally:
        sys.modules.update(hidden)
