"""Whether the server may start, and can: nobody is let in by an oversight, and what lacks is said in a sentence."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st
from pydantic import ValidationError

from dashboard.access.callers import is_loopback
from dashboard.access.login import why_no_login, why_no_secrets
from engine import Settings, why_unsafe
from engine.errors import ForelightError

log = logging.getLogger("forelight.start")


def check_what_is_read_first() -> None:
    """Ends the program with a sentence where a setting is none, or Streamlit's secrets cannot be read.

    Streamlit and the layers around the pages ask for both before the server begins, and would only log a stack.
    """
    with said_at_the_start():
        Settings()
    if unreadable := why_no_secrets():
        _refuse(unreadable)


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


@contextmanager
def said_at_the_start() -> Iterator[None]:
    """Ends the program with a sentence where a setting is none, or the engine says why it cannot begin."""
    try:
        yield
    except ValidationError as exc:
        _refuse(" ".join(f"FORELIGHT_{each['loc'][0]}".upper() + f": {each['msg']}." for each in exc.errors()))
    except ForelightError as exc:
        _refuse(str(exc))
    except Exception:
        log.exception("the server cannot begin")  # the server's own words for it are left out of its log
        raise


def _refuse(words: str) -> NoReturn:
    print(f"Forelight does not start. {words}", file=sys.stderr, flush=True)
    os._exit(2)  # nothing has begun yet; an exception would bury the sentence under the server's own stack
