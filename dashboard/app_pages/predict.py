"""Choose a model, bring a file, see what can be predicted, predict it."""

from __future__ import annotations

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.components.model_cards import choose_model, introduce
from dashboard.components.other_models import offer_other_models
from dashboard.components.preflight import checked_run, show_columns, show_report
from dashboard.components.start import ask_to_start, show_preview
from dashboard.components.upload import ask_for_files, has_begun
from dashboard.components.version_choice import choose_version
from dashboard.components.what_if import offer_typing
from dashboard.failures import show_failure
from engine.errors import ReadError

_CHOICE = "predict-model"
engine = this_engine()
st.title("Predict", anchor=False)
st.markdown(":gray[Choose a model, bring a file, and get a prediction for every row or picture in it.]")
model = choose_model(engine.models(), key=_CHOICE, decided=has_begun)
if model is None:
    st.info("There is no model here yet. The host puts a folder with a card and a checkpoint where models are.")
    st.stop()

model = choose_version(engine, model)
with st.container():  # there even when empty: what comes below stays the same element of the page
    if not has_begun(model):
        introduce(model)
st.subheader("Your data", anchor=False)
upload = ask_for_files(engine, model)
if upload is None:
    offer_typing(model)
    st.stop()

try:
    run = checked_run(engine, model, upload)
except ReadError as error:
    show_failure(error)
    offer_other_models(engine, model, upload, _CHOICE)
    st.stop()
show_report(run.report, model, upload)
offer_other_models(engine, model, upload, _CHOICE, run.report)
ask_to_start(engine, model, run)
show_columns(run.report)
show_preview(engine, run)
