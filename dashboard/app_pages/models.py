"""What each model needs, what it gives, and how well it was measured to do."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.model_cards import choose_model
from dashboard.components.model_facts import show_broken, show_model

engine = this_engine()
st.title("Models", anchor=False)
entries = engine.models()
model = choose_model(entries, key="models-model", brief=False)
if model is not None:
    show_model(engine, model)
elif not entries:
    st.info("There is no model here yet. The host puts a folder with a card and a checkpoint where models are.")
show_broken([entry for entry in entries if entry.card is None])
