"""A picture or a text as HTML, coloured by what each part of it does to the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dashboard.charts.influences import DOWN, UP
from dashboard.words import number
from engine import ModelCard, Passage, Patch

_SAID = 3
_STRONGEST = 70  # per cent of the colour, so that words and pictures can be made out under it
_NOTICED = 0.08
_FEW_PIXELS = 64
_OBJECT_FIT = {"cover": "cover", "contain": "contain", "stretch": "fill"}
_FRAME = "position:relative;width:20rem;max-width:100%;overflow:hidden;border-radius:8px;background:black"
_WHOLE = "position:absolute;width:100%;height:100%;filter:grayscale(1)"
_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7;max-height:24rem;overflow-y:auto"
_WORDS = "border-radius:4px;padding:0 .15em"
_DOT = "display:inline-block;width:.7rem;height:.7rem;border-radius:50%;margin:0 .35rem 0 .1rem"


def picture_html(cells: Sequence[tuple[Patch, float]], source: str, card: ModelCard, name: str) -> str:
    """The picture at `source` as the model gets it, in grey, under the (cell, change of what is called `name`)."""
    assert card.image is not None
    height, width = card.image.size
    most = max(abs(change) for _, change in cells)
    sharp = "image-rendering:pixelated;" if max(height, width) <= _FEW_PIXELS else ""
    style = f"{sharp}{_WHOLE};object-fit:{_OBJECT_FIT[card.image.fit]}"
    tiles = "".join(_tile(cell, change, most) for cell, change in cells)
    alt = escape(f"What moves {name}: {_place_said(cells)}")
    picture = f'<img src="{escape(source)}" alt="" style="{style}">{tiles}'
    return f'<div role="img" aria-label="{alt}" style="{_FRAME};aspect-ratio:{width}/{height}">{picture}</div>'


def text_html(passages: Sequence[tuple[Passage, float]], text: str, name: str) -> str:
    """The text, under each passage the colour of its change of what is called `name`."""
    most = max(abs(change) for _, change in passages)
    pieces, at = [], 0
    for part, change in sorted(passages, key=lambda found: found[0].start):
        words = escape(text[part.start : part.stop])
        style = f"{_WORDS};background:{_color(change, most)}"
        pieces += [escape(text[at : part.start]), f'<span title="{_signed(change)}" style="{style}">{words}</span>']
        at = part.stop
    alt = escape(f"What moves {name}: {_words_said(passages, text)}")
    return f'<div role="group" aria-label="{alt}" style="{_TEXT}">{"".join(pieces)}{escape(text[at:])}</div>'


def legend_html(name: str, most: float, how: str) -> str:
    """What the colours mean, and how it was found."""
    more = f'<span style="{_DOT};background:{UP}"></span>{escape(name)} is higher because of it'
    less = f'<span style="{_DOT};background:{DOWN}"></span>lower'
    return f'<div style="font-size:.875rem;opacity:.8">{more}, {less}; up to {number(most, 2)}. {escape(how)}</div>'


def _tile(cell: Patch, change: float, most: float) -> str:
    left, top = 100 * cell.left, 100 * cell.top
    width, height = 100 * (cell.right - cell.left), 100 * (cell.bottom - cell.top)
    place = f"position:absolute;left:{left:.3f}%;top:{top:.3f}%;width:{width:.3f}%;height:{height:.3f}%"
    return f'<div title="{_signed(change)}" style="{place};background:{_color(change, most)}"></div>'


def _color(change: float, most: float) -> str:
    """Nothing for next to no change, else the colour of its sign, as deep as it is large."""
    depth = abs(change) / most if most else 0.0
    if depth < _NOTICED:
        return "transparent"
    return f"color-mix(in srgb, {UP if change > 0 else DOWN} {_STRONGEST * depth:.0f}%, transparent)"


def _signed(change: float) -> str:
    return f"{'+' if change > 0 else ''}{number(change, 2)}"


def _words_said(passages: Sequence[tuple[Passage, float]], text: str) -> str:
    return "; ".join(f"{text[part.start : part.stop][:60]} {_signed(change)}" for part, change in passages[:_SAID])


def _place_said(cells: Sequence[tuple[Patch, float]]) -> str:
    """ "most in the upper left, +0.31", for those who do not see the picture."""
    cell, change = max(cells, key=lambda found: abs(found[1]))
    across, down = (cell.left + cell.right) / 2, (cell.top + cell.bottom) / 2
    place = f"{_third(down, 'upper', 'lower')} {_third(across, 'left', 'right')}".strip() or "middle"
    return f"most in the {place}, {_signed(change)}"


def _third(at: float, first: str, last: str) -> str:
    return first if at < 1 / 3 else last if at > 2 / 3 else ""
