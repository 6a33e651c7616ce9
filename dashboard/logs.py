"""Streamlit gives each of its loggers a handler of its own, as it makes them; here all use the server's."""

from __future__ import annotations

import logging

import streamlit.logger


def speak_through_one() -> None:
    """Lets the words of every logger that speaks go up to the root, whose handler the engine has set."""
    for logger in map(logging.getLogger, logging.root.manager.loggerDict):
        if logger.handlers:
            _let_go_up(logger)
    streamlit.logger.setup_formatter = _let_go_up  # what Streamlit calls for each new one


def _let_go_up(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True
