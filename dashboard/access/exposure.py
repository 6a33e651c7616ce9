"""Whether the server may start as it was asked to: nobody is let in by an oversight."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import streamlit as st

from dashboard.access.callers import is_loopback
from dashboard.access.login import why_no_login
from engine import Settings, why_unsafe


def check_exposure(settings: Settings) -> None:
    """Ends the program with a sentence where checkpoints could run code, or others be served without a login."""
    unsafe = why_unsafe()
    if unsafe:
        _refuse(unsafe)
    if settings.login:
        missing = why_no_login()
        if missing:
            _refuse(missing)
        return
    address = st.get_option("server.address")
    if not settings.open and not is_loopback(address or ""):
        where = address or "of every network"
        _refuse(
            f"The address {where} is reached from other machines, and there is no login: anyone there could use the "
            "models and fill the disk. Set FORELIGHT_LOGIN=1 (see docs/login.md), or, where "
            "everyone who reaches this machine may, FORELIGHT_OPEN=1."
        )


def _refuse(words: str) -> NoReturn:
    print(f"Forelight does not start. {words}", file=sys.stderr, flush=True)
    os._exit(2)  # nothing has begun yet; an exception would bury the sentence under the server's own stack
