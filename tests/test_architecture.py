"""Imports go down only; the engine knows no web; pages know no task; everything public says what it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.order import LONG

ROOT = Path(__file__).parents[1]
# From the bottom up; a package may import those of the lines before, and none of its own line but itself.
LAYERS = (
    ("engine.errors", "engine.ids", "engine.settings", "engine.views"),
    ("engine.object_store", "engine.observability", "engine.plugins"),
    ("engine.cards",),
    ("engine.kinds", "engine.readers"),
    ("engine.ingest", "engine.uploads"),
    ("engine.tasks",),
    ("engine.models", "engine.own_code", "engine.runs"),
    ("engine.access", "engine.checkpoints", "engine.facts", "engine.results"),
    ("engine.evaluation", "engine.export", "engine.prediction"),
    ("engine.model_check", "engine.report", "engine.workers"),
    ("engine.backends",),
    ("engine.lifecycle",),
    ("engine.offers", "engine.parts"),
    ("engine.draft", "engine.metrics", "engine.reasons"),
    ("engine.health",),
    ("engine.engine",),
    ("engine.guarded",),
    ("engine",),
    ("engine.cli", "engine.demos"),
    ("engine.__main__",),
    (
        "dashboard.frame",
        "dashboard.glossary",
        "dashboard.leftovers",
        "dashboard.logs",
        "dashboard.resources",
        "dashboard.typed",
        "dashboard.words",
    ),
    ("dashboard.access", "dashboard.address", "dashboard.charts", "dashboard.failures"),
    ("dashboard.routes", "dashboard.selection"),
    ("dashboard.v1",),
    ("dashboard.components",),
    ("dashboard.app_pages", "dashboard.main"),
    ("dashboard", "dashboard.app"),
)
TOPS = ("engine", "dashboard")
WEB = ("streamlit", "starlette", "fastapi", "uvicorn")
PUBLIC = ("engine", "engine.errors", "engine.views")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> tuple[int, str]:
    """The number of a module's layer, and the package there that it is of."""
    fitting = [
        (len(name), number, name)
        for number, names in enumerate(LAYERS)
        for name in names
        if module == name or (name not in TOPS and module.startswith(f"{name}."))
    ]
    if not fitting:
        pytest.fail(f"{module} is in no layer: put it into one")
    return max(fitting)[1:]


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports when it runs; those only for types do not count."""
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in TOPS:
            top, inside = node.module, {path.stem for path in (ROOT / node.module).iterdir()}
            yield from (f"{top}.{alias.name}" if alias.name in inside else top for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _running(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        only_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not only_types:
            yield from _running(child)


@pytest.mark.parametrize("path", [*modules("engine"), *modules("dashboard")], ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    own = layer_of(name_of(path))
    taken = {name: layer_of(name) for name in imports(path) if name.startswith(("engine", "dashboard"))}
    assert not {name: layer for name, layer in taken.items() if layer != own and layer[0] >= own[0]}


@pytest.mark.parametrize("path", modules("engine"), ids=name_of)
def test_the_engine_knows_no_web(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in WEB]


def test_the_engines_tests_need_no_streamlit() -> None:
    """`make test-oldest` runs them where there is none."""
    shared = [ROOT / "tests" / f"{name}.py" for name in ("conftest", "pool", "forking", "forked", "order")]
    needed = {name for path in [*modules("tests/engine"), *shared] for name in imports(path)}
    assert not [name for name in needed if name.split(".")[0] in ("streamlit", "dashboard")]


@pytest.mark.parametrize("path", modules("dashboard"), ids=name_of)
def test_the_dashboard_uses_what_the_engine_offers(path: Path) -> None:
    import engine

    assert not [name for name in imports(path) if name.startswith("engine") and name not in PUBLIC]
    taken = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "engine"
        for alias in node.names
    ]
    assert set(taken) <= set(engine.__all__)


def test_only_tasks_know_tasks() -> None:
    from engine import TASKS

    for path in (*modules("engine"), *modules("dashboard")):
        if "tasks" in path.parts or "demos" in path.parts:
            continue
        texts = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
        assert not texts & set(TASKS), path


@pytest.mark.parametrize("path", [*modules("engine"), *modules("dashboard")], ids=name_of)
def test_files_say_what_they_are_and_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module's first line says what it is"
    assert len(text.splitlines()) <= 300


def test_nothing_unsafe_is_called() -> None:
    for path in (*modules("engine"), *modules("dashboard")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec", "pickle.load", "pickle.loads", "yaml.load"), path
                if called == "torch.load":
                    assert any(
                        word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords
                    )


def test_help_comes_without_loading_torch() -> None:
    code = """
import sys
from typer.testing import CliRunner
from engine.cli import app
shown = CliRunner().invoke(app, ["--help"])
sys.exit(shown.exit_code or ("torch is loaded" if "torch" in sys.modules else 0))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_long_tests_are_where_the_order_looks_for_them() -> None:
    assert all((ROOT / "tests" / f"{name}.py").is_file() for name in LONG)
