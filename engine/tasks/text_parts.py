"""A text's words, to be left out one after the other; of a long text some words in a row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from engine.kinds.left_out import Part, Passage, spread

MOST_PASSAGES = 96
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and ideographs: no spaces between their words
_WORD = re.compile(rf"[{_SIGNS}]|[^\s{_SIGNS}]+")


def passages(texts: Mapping[str, str]) -> tuple[Passage, ...]:
    """The words of the texts, by column; so many in a row together that there are about MOST_PASSAGES at most."""
    words = {name: [word.span() for word in _WORD.finditer(text)] for name, text in texts.items()}
    together = max(1, -(-sum(map(len, words.values())) // MOST_PASSAGES))
    found = [
        Passage(name, spans[first][0], spans[min(first + together, len(spans)) - 1][1])
        for name, spans in words.items()
        for first in range(0, len(spans), together)
    ]
    return spread(found) if len(found) > 1 else ()


def without_passage(row: pa.Table, part: Part) -> pa.Table:
    """The row, a table of one line, its text without that passage and the space behind it."""
    assert isinstance(part, Passage)
    text = row.column(part.column)[0].as_py()
    left = text[: part.start] + text[part.stop :].lstrip()
    place = row.schema.get_field_index(part.column)
    field = row.schema.field(place)
    return row.set_column(place, field, pa.array([left.rstrip()], field.type))


def texts_in(line: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    """Those columns of a line that hold a text."""
    return {name: text for name in names if isinstance(text := line.get(name), str)}
