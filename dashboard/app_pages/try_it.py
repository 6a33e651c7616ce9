"""One prediction without a file: values set by hand, or one picture."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.first_row import first_row
from dashboard.components.model_cards import choose_model
from dashboard.components.version_choice import choose_version
from dashboard.components.what_if import NO_FORM, has_form, show_form

engine = this_engine()
st.title("Try", anchor=False)
model = choose_model(engine.models(), key="try-model")
if model is None:
    st.info("There is no model here yet. The host puts a folder with a card and a checkpoint where models are.")
    st.stop()

st.subheader("Your values" if model.usable_card().image is None else "Your picture", anchor=False)
if not has_form(model):
    st.info(NO_FORM, icon=":material/info:")
    st.page_link("app_pages/predict.py", label="Predict", icon=":material/bolt:", query_params={"model": model.id})
    st.stop()
model = choose_version(engine, model)
values, origin = first_row(engine, model)
show_form(model, values, f"try-{model.id}-{model.version}", origin)
