"""Labels of which several hold at once: how often, which together, a threshold to move, and what needs a look."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.charts import charts
from dashboard.charts import labels as label_charts
from dashboard.components.chart import Answer, Marks, draw, marked, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.review import choosable
from dashboard.words import count, plain
from engine import Filter, Results, label_counts, labels_together, nearest_calls
from engine.views import LabelCounts, LabelReview, LabelShare, LabelsTogether, LabelThreshold, Threshold

_STEP = 0.01
_TO_REVIEW = 12


def show_label_counts(view: LabelCounts, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """A bar for each label; a click leaves the rows of which it holds."""
    counts, rows = label_counts(results, view.shares, where), results.count(where)
    show_title(view.title, name, counts)
    figure = label_charts.counts_figure(counts, rows)
    draw(figure, label_charts.counts_alt(counts, rows), name, _chosen_label({each.label: each for each in view.shares}))


def show_labels_together(view: LabelsTogether, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """A cell for each two labels; a click leaves the rows of which both hold."""
    shares = {each.label: each for each in view.shares}
    cells = labels_together(results, view.shares, where)
    numbers = [(*pair, rows) for pair, rows in cells.items()]
    show_title(view.title, name, pl.DataFrame(numbers, ["label", "and", "rows"], orient="row"))

    def answer(marks: Marks, _: Marks) -> list[Filter]:
        return [_holds(shares[label]) for label in dict.fromkeys(marks[0]["customdata"][:2])] if marks else []

    draw(label_charts.together_figure(list(shares), cells), label_charts.together_alt(cells), name, answer)
    st.caption("On the diagonal: the rows of one label. Click a cell to see its rows.")


@fragment_of_run
def show_label_threshold(view: LabelThreshold, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The probabilities of a label; a threshold to move, and how many rows it then holds of."""
    shares = {each.label: each for each in view.shares}
    slot = st.container()
    share = shares[str(st.selectbox("Label", list(shares), key="threshold-label", width=320))]
    bins = results.histogram(share.column, bins=round(1 / _STEP), where=where)
    with slot:
        show_title(view.title, name, bins)
    key = f"label-threshold-{share.label}"
    at = st.slider(f"{plain(share.label)} holds from a probability of", 0.0, 1.0, share.threshold, _STEP, key=key)
    total = int(bins["count"].sum())
    rows, own = (int(bins.filter(pl.col("lo") >= start - _STEP / 2)["count"].sum()) for start in (at, share.threshold))
    with st.grid(2, min_column_width=160):
        change = f"{rows - own:+,}" if rows != own else None
        st.metric("Holds of", f"{rows:,}", change, delta_color="off", border=True)
        st.metric("Does not hold of", f"{total - rows:,}", None, border=True)
    drawn = Threshold(share.column, share.label, f"not {share.label}", (share.label,))
    alt = f"From {at:.2f} on, {share.label} holds of {count(rows, 'row')} of {total:,}."
    draw(charts.threshold_figure(drawn, bins, at), alt, f"{name}|{share.label}|{at}")
    if st.button(f"Show the {count(rows, 'row')} from {at:.2f} on", type="tertiary", icon=":material/filter_list:"):
        selection.add(Filter(share.column, "between", (at, None)))
        st.rerun()


def show_label_review(view: LabelReview, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The rows in which a label all but holds, or only just does; choosing one opens it."""
    lines = nearest_calls(results, view.shares, _TO_REVIEW, where)
    show_title(view.title, name, lines)
    config = {"apart": st.column_config.NumberColumn("from its threshold", format="%.3f")}
    choosable(lines, config, name, "The rows in which a label's probability is nearest to its threshold")


def _chosen_label(shares: dict[str, LabelShare]) -> Answer:
    """An answer of bars whose data are a label: the rows of which it holds."""

    def answer(points: Marks, _: Marks) -> list[Filter]:
        return [_holds(shares[name]) for name in dict.fromkeys(marked(points)) if name in shares]

    return answer


def _holds(share: LabelShare) -> Filter:
    return Filter(share.column, "between", (share.threshold, None))
