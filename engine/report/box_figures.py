"""The chart of a report about objects found in pictures."""

from __future__ import annotations

from engine.kinds.palette import COLORS
from engine.report.figures import Chart, chart_of, class_bars
from engine.results.found_boxes import box_counts
from engine.results.results import Results
from engine.views import FoundObjects

_MOST_BARS = 30


@chart_of.register
def _(view: FoundObjects, results: Results) -> Chart:
    counts = box_counts(results, view.labels, view.counts)
    most = sorted(counts, key=lambda label: -counts[label])[:_MOST_BARS]
    names = [label for label in view.labels if label in most]
    figure = class_bars(
        {name: counts[name] for name in names},
        [COLORS[results.card.labels.index(name) % len(COLORS)] for name in names],
        [f"{counts[name]:,}" for name in names],
        "%{x:,} objects",
        "objects",
    )
    said = ", ".join(f"{name} {counts[name]:,}" for name in most[:6])
    return Chart(view.title, f"Objects found of each class: {said}.", figure)
