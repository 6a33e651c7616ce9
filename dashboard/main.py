"""The frame around every page: brand, navigation, and what is shown when a page fails.

The pages lie in app_pages/: Streamlit takes a folder pages/ for a navigation of its own until this script has run once.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.access.callers import this_caller
from dashboard.components.account import say_logged_out, show_account
from dashboard.failures import shown_failures

_BRAND = Path(__file__).parent / "brand"

st.set_page_config(page_title="Forelight", page_icon=str(_BRAND / "icon.png"), layout="wide")
caller = this_caller()
if caller.role == "nobody":
    st.navigation([st.Page(say_logged_out, title="Forelight", url_path="logged-out")], position="hidden")
    say_logged_out()
    st.stop()
_HOST = (
    st.Page(
        "app_pages/host.py",
        title="Host",
        icon=":material/monitor_heart:",
        help="Queue, workers, storage, everybody's runs and tokens, settings, and the trail of who did what.",
    ),
)
st.logo(str(_BRAND / "logo.svg"), size="large", icon_image=str(_BRAND / "icon.svg"))
page = st.navigation(
    [
        st.Page(
            "app_pages/predict.py",
            title="Predict",
            icon=":material/bolt:",
            default=True,
            help="Choose a model, drop a file, see what can be predicted, and predict it.",
        ),
        st.Page(
            "app_pages/try_it.py",
            title="Try",
            icon=":material/tune:",
            url_path="try",
            help="Set values by hand, or drop one picture, and see the prediction follow.",
        ),
        st.Page(
            "app_pages/runs.py",
            title="Runs",
            icon=":material/history:",
            help="Predictions made here: open them again, or delete them.",
        ),
        st.Page(
            "app_pages/models.py",
            title="Models",
            icon=":material/deployed_code:",
            help="What each model needs, what it gives, and how well it was measured to do.",
        ),
        st.Page(
            "app_pages/tokens.py",
            title="API tokens",
            icon=":material/key:",
            help="For programs and notebooks that use this server.",
        ),
        *(_HOST if caller.operates else ()),
        st.Page("app_pages/result.py", title="Result", visibility="hidden"),
        st.Page("app_pages/compare.py", title="Compare", visibility="hidden"),
    ]
)
st.html(_BRAND / "pages.css")
if caller.name:
    show_account(caller)
with shown_failures():
    page.run()
