"""A picture with what was found in it: a mask or boxes over it, a legend with the classes and what there is of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.access.callers import keyed
from dashboard.components.boxes import box_legend, box_summary, boxes_from, outlines
from dashboard.routes.fetching import mask_path, picture_path
from engine import Boxes, Masks, ModelCard, Results, frame_of

FILES = Path(__file__).parent / "overlay"
OVERLAY_CSS = (FILES / "overlay.css").read_text(encoding="utf-8")
OVERLAY_JS = (FILES / "overlay.js").read_text(encoding="utf-8")
_found = st.components.v2.component(
    "forelight_found",
    html='<div class="found"></div>',
    css=OVERLAY_CSS + (FILES / "found.css").read_text(encoding="utf-8"),
    js=OVERLAY_JS + (FILES / "found.js").read_text(encoding="utf-8"),
)
_FEW_PIXELS = 64
_MOST_BYTES = 12 << 20
_BROWSER_TYPES = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "bmp": "bmp"}
_FOUND, _TRUE, _BARE = "Found", "True", "Picture alone"


def lies_in_pictures(predicted: object) -> bool:
    """Whether what is predicted can be laid over the picture."""
    return isinstance(predicted, Masks | Boxes)


def layer(line: Mapping[str, Any], card: ModelCard, predicted: object, mask: str = "") -> dict[str, object] | None:
    """What lies over the picture of a line, for the component; None where nothing was predicted."""
    if line["status"] == "failed" or card.image is None or not isinstance(predicted, Masks | Boxes):
        return None
    frame = frame_of(card.image, line["height"], line["width"])
    where = {"width": frame.width, "height": frame.height, "frame": frame.as_list()}
    if isinstance(predicted, Boxes):
        return {**where, "boxes": outlines(boxes_from(line[predicted.column], predicted.threshold), card.labels)}
    background = card.labels.index(predicted.background) if predicted.background else -1
    return {**where, "mask": mask, "background": background}


def tile_layer(line: Mapping[str, Any], results: Results) -> dict[str, object] | None:
    """The layer of one of a run's lines."""
    mask = keyed(mask_path(results.run.id, int(line["row"])))
    return layer(line, results.card, results.predicted, mask)


def show_found_of_row(results: Results, line: Mapping[str, Any]) -> None:
    """The row's picture with its layer and a legend; the true one instead, where it came along."""
    run_id, row, predicted = results.run.id, int(line["row"]), results.predicted
    ways = [_FOUND, *([_TRUE] if _has_truth(results, line) else []), _BARE]
    shown = str(st.segmented_control("Over the picture", ways, default=_FOUND, required=True, key=f"over-{row}"))
    mask = keyed(mask_path(run_id, row, truth=shown == _TRUE))
    if isinstance(predicted, Boxes):
        line, predicted = _boxes_shown(results, line, predicted, truth=shown == _TRUE)
    over = layer(line, results.card, predicted, mask) if shown != _BARE else None
    source = keyed(picture_path(run_id, row, small=False))
    show_found(line, results.card, predicted, source, over, f"found-{run_id}-{row}")
    if isinstance(predicted, Masks):
        st.link_button(
            "Mask as PNG",
            keyed(mask_path(run_id, row, whole=True)),
            icon=":material/download:",
            type="tertiary",
            help="As large as the picture; its values are class numbers.",
        )


def _has_truth(results: Results, line: Mapping[str, Any]) -> bool:
    if isinstance(results.predicted, Boxes):
        label = _label(results)
        return bool(label) and line[label] is not None
    return bool(results.mask(int(line["row"]), truth=True))


def _label(results: Results) -> str:
    return next((column.name for column in results.columns if column.role == "label"), "")


def _boxes_shown(
    results: Results, line: Mapping[str, Any], predicted: Boxes, *, truth: bool
) -> tuple[Mapping[str, Any], Boxes]:
    """The line with the boxes to draw, and from which score on: as the visitor chooses, or the true ones."""
    if truth:
        return {**line, predicted.column: line[_label(results)]}, predicted
    least = st.slider(
        "Boxes with a score from",
        min(predicted.lowest, 0.95),
        1.0,
        predicted.threshold,
        0.05,
        key=f"least-score-{line['row']}",
        width=320,
        help=f"A box counts from {predicted.threshold:g} on, as the card says: figures and charts stay.",
    )
    return line, replace(predicted, threshold=float(least))


def show_found(
    line: Mapping[str, Any],
    card: ModelCard,
    predicted: object,
    source: str,
    over: dict[str, object] | None,
    key: str,
) -> None:
    """The picture at `source` with a layer over it and the legend under it."""
    legend = _legend(line, card, predicted)
    said = ", ".join(f"{each['label']} {each['figure']}" for each in legend)
    sharp = card.image is not None and max(card.image.size) <= _FEW_PIXELS
    data = {
        "src": source,
        "found": over,
        "legend": legend,
        "sharp": sharp,
        "alt": f"The picture, and found in it: {said}",
    }
    _found(key=key, data=data)


def show_found_now(
    line: Mapping[str, Any], card: ModelCard, predicted: object, picture: tuple[bytes, str], key: str
) -> None:
    """The same of a picture that is no run's: its bytes and name; bytes too many for a page are left out."""
    content, name = picture
    suffix = name.rpartition(".")[2].lower()
    if len(content) > _MOST_BYTES or suffix not in _BROWSER_TYPES:
        st.caption("This picture is too large, or of a kind that browsers do not show. A run of it shows it.")
        return
    mask = _data("png", line[predicted.column]) if isinstance(predicted, Masks) else ""
    over = layer(line, card, predicted, mask)
    show_found(line, card, predicted, _data(_BROWSER_TYPES[suffix], content), over, key)


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _legend(line: Mapping[str, Any], card: ModelCard, predicted: object) -> list[dict[str, object]]:
    """(class, what it covers) of each class that there is; the background is never drawn."""
    if isinstance(predicted, Boxes):
        return box_legend(boxes_from(line[predicted.column], predicted.threshold), card.labels)
    if not isinstance(predicted, Masks):
        return []
    shares = {label: float(line[name]) for label, name in zip(predicted.labels, predicted.shares, strict=True)}
    return [
        {
            "place": place,
            "label": label,
            "figure": f"{shares[label]:.1%}",
            "clear": label == predicted.background,
        }
        for place, label in enumerate(card.labels)
        if shares[label] > 0
    ]


def summary(line: Mapping[str, Any], predicted: object) -> str:
    """What was found in the picture in a few words; "" where that is no matter of words. Not markdown."""
    if isinstance(predicted, Masks):
        chosen = str(line[predicted.chosen])
        return f"{float(line[predicted.shares[predicted.labels.index(chosen)]]):.0%} {chosen}"
    if isinstance(predicted, Boxes):
        return box_summary(line, predicted)
    return ""
