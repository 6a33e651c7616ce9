"""The host's page: how things stand, everybody's runs and tokens, who did what, and the settings in force."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.host_now import show_now
from dashboard.components.host_settings import show_settings
from dashboard.components.host_trail import people_of, show_trail
from dashboard.components.model_facts import show_broken
from dashboard.components.run_list import ask_what, show_runs
from dashboard.components.token_list import show_tokens

engine = this_engine()
engine.operate()  # whoever is no host goes no further
whose = people_of(engine)
st.title("Host", anchor=False)
broken = [entry for entry in engine.models() if entry.card is None]
names = ["Now", "Runs", "Trail", "Tokens", "Settings", *(["Broken models"] if broken else [])]
now, runs, trail, tokens, settings, *models = st.tabs(names, key="host-tab", bind="query-params")
if now.open:
    with now:
        show_now(whose)
if runs.open:
    with runs:
        show_runs(engine, ask_what(engine), whose)
if trail.open:
    with trail:
        show_trail(engine, whose)
if tokens.open:
    with tokens:
        show_tokens(engine, "There is no token.")
if settings.open:
    with settings:
        show_settings(engine)
for tab in models:
    if tab.open:
        with tab:
            show_broken(broken)
