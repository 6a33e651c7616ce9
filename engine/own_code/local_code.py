"""Python files that only the machine that trained has: they go along with a model, unlike installed packages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from engine.cards.code_files import root_of, siblings

_MOST_BYTES = 64 << 20


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


def files_of(path: Path) -> list[Path]:
    """The file, those beside it or of its package that it imports, and files of data that these open beside them."""
    code = [path.absolute(), *siblings(path)]
    return [*code, *dict.fromkeys(data for each in code for data in _opened_by(each))]


def _opened_by(path: Path) -> Iterator[Path]:
    """Files that lie beside a Python file and are named there as such: `Path(__file__).with_name("vocab.json")`."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # importing it says so
        return
    for node in ast.walk(tree):
        named: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "with_name":
            named = next(iter(node.args), None)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and "__file__" in text:
            named = node.right
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            found = path.parent / named.value
            inside = found.resolve().is_relative_to(path.parent.resolve())
            if inside and found.is_file() and found.suffix != ".py" and found.stat().st_size <= _MOST_BYTES:
                yield found
