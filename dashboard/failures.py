"""What a visitor sees when something goes wrong: a sentence, or an incident number that the log has too."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard.words import plain
from engine import ForelightError

_log = logging.getLogger("forelight.dashboard")


def show_failure(error: Exception) -> bool:
    """Shows the error where the page stands; True, so that Streamlit does not show it once more."""
    if isinstance(error, ForelightError):
        st.error(plain(error, most=2_000), icon=":material/error:")
    else:
        incident = secrets.token_hex(3).upper()
        _log.error("incident %s", incident, exc_info=error)
        st.error(
            f"Something went wrong here, not in your file. Please tell the host: incident **{incident}**.",
            icon=":material/report:",
        )
    return True


@contextmanager
def shown_failures() -> Iterator[None]:
    """Shows what goes wrong inside instead of raising it."""
    try:
        yield
    except Exception as error:  # the last stop before the visitor; the log has the trace
        show_failure(error)
