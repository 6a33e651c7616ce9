"""The only thing all sessions share: the engine."""

from __future__ import annotations

import streamlit as st

from engine import Engine, Settings
from engine.errors import RunNotFound


@st.cache_resource(show_spinner=False)
def get_engine() -> Engine:
    """The engine of this process, by the settings in the environment."""
    return Engine(Settings())


def warm_up(engine: Engine) -> None:
    """Begins to load as many models as stay in memory."""
    usable = [entry for entry in engine.models() if entry.card is not None]
    for entry in usable[: engine.settings.warm_models]:
        engine.warm_up(entry.id)


def gone(run_id: str) -> RunNotFound | None:
    """What to say where there is no such run, or not any more; None where it is there, or nobody knows."""
    try:
        get_engine().owner_of(run_id)
    except RunNotFound as error:
        return error
    except Exception:  # as what failed before, which has its incident
        return None
    return None
