"""What README and docs name is there: files, anchors, make's targets, commands, settings."""

from __future__ import annotations

import re
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from engine.cli import app
from engine.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
NAMING = [*PAGES, ROOT / "Dockerfile", *sorted(ROOT.glob("docs/deploy/*"))]
_PATH = re.compile(r"(?<![\w/.-])(?:\.ci|\.streamlit|dashboard|docs|engine|tests)/[\w./*-]*\w(?:/(?!\w))?")
_WRITTEN_BY_HOSTS = ("docs/deploy/.env", "docs/deploy/site.conf", ".streamlit/secrets.toml")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", NAMING, ids=name_of)
def test_paths_are_there(page: Path) -> None:
    named = set(_PATH.findall(text_of(page))) - set(_WRITTEN_BY_HOSTS)
    assert not {path for path in named if not any(ROOT.glob(path.rstrip("/")))}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_targets_and_commands_are_there(page: Path) -> None:
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text_of(page), re.DOTALL))
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z][a-z-]*)", code)) <= targets
    assert set(re.findall(r"-m engine ([a-z]+)", code)) <= set(get_command(app).commands)
    assert all(map(find_spec, re.findall(r"-m ((?:engine|tests)[\w.]*)", code)))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_taken(page: Path) -> None:
    """With their options and arguments; what they do, the tests of the command line try."""
    for block in re.findall(r"```bash\n(.*?)```", text_of(page), re.DOTALL):
        for words in re.findall(r"-m engine (.*)", block):
            command: Any = get_command(app)
            left = shlex.split(words, comments=True)
            while hasattr(command, "commands") and left:
                _, command, left = command.resolve_command(command.make_context("engine", left[:1]), left)
            command.make_context("engine", left)


@pytest.mark.parametrize("page", NAMING, ids=name_of)
def test_settings_are_there(page: Path) -> None:
    named = {name.lower() for name in re.findall(r"FORELIGHT_([A-Z]+(?:_[A-Z]+)*)\b(?!_)", text_of(page))}
    assert named <= set(Settings.model_fields)
