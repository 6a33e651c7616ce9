"""The colours of classes: the same ten in masks, in reports and, by .streamlit/config.toml, on the pages."""

from __future__ import annotations

# Told apart by the colour-blind too (after Okabe and Ito).
COLORS = (
    "#4f5bd5", "#e07b39", "#2a9d8f", "#b8479e", "#d4a017", "#4a90c2", "#c1443c", "#6b8e23", "#8e6bbf", "#7a7f87",
)  # fmt: skip
