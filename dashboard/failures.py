"""What a visitor sees when something goes wrong: a sentence, or an incident number that the log has too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard.resources import gone
from dashboard.words import plain
from engine import ForelightError, report_incident

_log = logging.getLogger("forelight.dashboard")


def show_failure(error: Exception) -> bool:
    """Shows the error where the page stands; True, so that Streamlit does not show it once more."""
    run_id = st.query_params.get("run", "")
    said = error if isinstance(error, ForelightError) else gone(run_id) if run_id else None  # deleted meanwhile
    if said is not None:
        st.error(plain(said, most=2_000), icon=":material/error:")
    else:
        incident = report_incident(_log, error, run=run_id)
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
