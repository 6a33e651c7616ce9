"""The settings in force, as the host may see them: secrets are masked."""

from __future__ import annotations

import streamlit as st

from engine import GuardedEngine


def show_settings(engine: GuardedEngine) -> None:
    """A line each, those first that are not as they come."""
    found = sorted(engine.settings_in_force(), key=lambda each: not each.changed)
    st.caption("Set as environment variables, read when the server starts.")
    st.dataframe(
        {
            "Variable": [each.name for each in found],
            "In force": [each.value for each in found],
            "Set": ["set" if each.changed else "" for each in found],
            "What it is": [each.about for each in found],
        },
        hide_index=True,
        height=600,
        column_config={
            "In force": st.column_config.Column(width="medium"),
            "Set": st.column_config.Column(width="small"),
        },
        alt="Settings in force",
    )
