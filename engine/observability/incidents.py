"""Incidents: errors that nobody foresaw. A person gets a number to pass on, and the log says under it what happened."""

from __future__ import annotations

import logging
import secrets

from engine.ids import is_id


def report_incident(log: logging.Logger, error: BaseException, *, run: str = "", **about: object) -> str:
    """The number of the incident, logged with its trace; the number it was given in another process, where it was.

    `run` counts where it is the id of one: in an address anything can stand.
    """
    incident = getattr(error, "incident", "") or secrets.token_hex(3).upper()
    found = {"run": run} if is_id(run) else {}
    log.error("incident %s", incident, exc_info=error, extra={"incident": incident, **found, **about})
    return incident
