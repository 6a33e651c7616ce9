"""Python files that only the machine that trained has: they go along with a model, unlike installed packages."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from engine.cards.code_files import root_of


def is_installed(module: str) -> bool:
    """Whether the module is of a package that other machines can install, or of Python itself, or of Forelight."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top == __name__.partition(".")[0] or top in packages_distributions()


def file_here(module: str) -> Path | None:
    """The file of that module under the current folder, where no installed package has it; else None."""
    path = Path(*module.split(".")).with_suffix(".py")
    return path if module and path.is_file() and not is_installed(module) else None


def name_of(path: Path) -> str:
    """What a card beside the file, or beside the package that it is of, calls it."""
    return ".".join(path.absolute().relative_to(root_of(path)).with_suffix("").parts)
