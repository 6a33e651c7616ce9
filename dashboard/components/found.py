"""A picture with what was found in it: the mask laid over it, a legend with the classes and what they cover."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.api import mask_path, picture_path
from dashboard.callers import keyed
from engine import Masks, ModelCard, Results, frame_of

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
    return isinstance(predicted, Masks)


def layer(line: Mapping[str, Any], card: ModelCard, predicted: object, mask: str) -> dict[str, object] | None:
    """What lies over the picture of a line, for the component; None where nothing was predicted."""
    if line["status"] == "failed" or card.image is None or not isinstance(predicted, Masks):
        return None
    frame = frame_of(card.image, line["height"], line["width"])
    background = card.labels.index(predicted.background) if predicted.background else -1
    where = {"width": frame.width, "height": frame.height, "frame": frame.as_list()}
    return {**where, "mask": mask, "background": background}


def tile_layer(line: Mapping[str, Any], results: Results) -> dict[str, object] | None:
    """The layer of one of a run's lines."""
    mask = keyed(mask_path(results.run.id, int(line["row"])))
    return layer(line, results.card, results.predicted, mask)


def show_found_of_row(results: Results, line: Mapping[str, Any]) -> None:
    """The row's picture with its layer and a legend; the true one instead, where it came along."""
    run_id, row = results.run.id, int(line["row"])
    shown = _FOUND
    ways = [_FOUND, *([_TRUE] if results.mask(row, truth=True) else []), _BARE]
    shown = str(st.segmented_control("Over the picture", ways, default=_FOUND, required=True, key=f"over-{row}"))
    mask = keyed(mask_path(run_id, row, truth=shown == _TRUE))
    over = layer(line, results.card, results.predicted, mask) if shown != _BARE else None
    source = keyed(picture_path(run_id, row, small=False))
    show_found(line, results.card, results.predicted, source, over, f"found-{run_id}-{row}")
    st.link_button(
        "Mask as PNG",
        keyed(mask_path(run_id, row, whole=True)),
        icon=":material/download:",
        type="tertiary",
        help="As large as the picture; its values are class numbers.",
    )


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
    return ""
