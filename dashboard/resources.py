"""The only thing all sessions share: the engine."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import streamlit as st

from engine import Engine, Settings

_DAY = 86_400


@st.cache_resource(show_spinner=False)
def get_engine() -> Engine:
    """The engine of this process, by the settings in the environment."""
    return Engine(Settings())


def uploads_folder(engine: Engine) -> Path:
    """Where files lie between their upload and their prediction."""
    folder = engine.settings.home / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def warm_up(engine: Engine) -> None:
    """Begins to load as many models as stay in memory."""
    usable = [entry for entry in engine.models() if entry.card is not None]
    for entry in usable[: engine.settings.warm_models]:
        engine.warm_up(entry.id)


def clear_old_uploads(engine: Engine) -> None:
    """Removes what visitors uploaded more than a day ago and never predicted."""
    for path in uploads_folder(engine).iterdir():
        if path.stat().st_mtime < time.time() - _DAY:
            shutil.rmtree(path, ignore_errors=True)
