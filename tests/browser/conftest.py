"""A real server, as `make run` starts it, and a page of the real browser that looks at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from engine.settings import BUNDLED_MODELS
from tests.browser.serving import serve


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server offers the models of; who puts one there takes it away again."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server lets visitors take files from."""
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, models_folder: Path, lake_folder: Path) -> Iterator[str]:
    """The address of a dashboard with the bundled models and a home of its own, which takes checkpoints."""
    models, lake = f"{BUNDLED_MODELS}{os.pathsep}{models_folder}", f"measurements={lake_folder}"
    with serve(tmp_path_factory.mktemp("home"), models=models, lake=lake, checkpoint_uploads=1) as address:
        yield address


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """A page of a new visitor."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, base_url=server, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()
