"""Inputs that get past the first look: whole zips, arrays, pickles and tables with something wrong in one place."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.guards import zipped

_SIZES = st.one_of(st.integers(0, 64), st.sampled_from([2**16, 2**31 - 1, 2**32 - 1]))
_NAMES = st.one_of(
    st.sampled_from(["a.csv", "../a.csv", "/etc/x", "a/b.npy", "a\\b"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12),
)
_CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
_VALUES = st.recursive(
    _CELLS, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each, max_size=3)
)


@st.composite
def zips(draw: Any) -> bytes:
    """Members with any names, and one number of a header changed."""
    parts = draw(st.lists(st.tuples(_NAMES, st.binary(max_size=40)), max_size=4, unique_by=lambda part: part[0]))
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    content = bytearray(zipped(*parts, method=method))
    mark = draw(st.sampled_from([b"PK\3\4", b"PK\1\2", b"PK\5\6"]))
    at = content.find(mark)
    if at >= 0:
        place, value = at + 4 + draw(st.integers(0, 40)), struct.pack("<I", draw(_SIZES))
        content[place : place + 4] = value
    return bytes(content)


@st.composite
def arrays(draw: Any) -> bytes:
    """A header that declares any shape and type, and a few bytes."""
    header = {
        "descr": draw(
            st.sampled_from(["<f8", ">i4", "|O", "|S9", "<U4", "<c16", "|b1", "<m8[s]", [("a", "<f8")], "x"])
        ),
        "fortran_order": draw(st.booleans()),
        "shape": tuple(draw(st.lists(st.integers(-2, 2**40), max_size=4))),
    }
    text = repr(header).encode()
    return (
        b"\x93NUMPY\1\0"
        + struct.pack("<H", len(text) + draw(st.sampled_from([0, 0, 0, 1, 999])))
        + text
        + draw(st.binary(max_size=64))
    )


@st.composite
def pickles(draw: Any) -> bytes:
    """Instructions that a checkpoint's pickle may hold, in any order."""
    steps = st.sampled_from(
        [b")", b"]", b"}", b"(", b"t", b"\x85", b"\x86", b"R", b"\x81", b"b", b"s", b"u", b"a", b"e", b"Q", b"N", b"0",
         b"q\0", b"h\0", b"K\1", b"J\xff\xff\xff\xff", b"\x89", b"X\1\0\0\0a", b"X\7\0\0\0storage", b"X\1\0\0\0" + b"0",
         b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n",
         b"c__builtin__\nset\n", b"cos\nsystem\n", b"ctorch\nSize\n"]
    )  # fmt: skip
    return b"\x80\2" + b"".join(draw(st.lists(steps, max_size=40))) + b"."


@st.composite
def records(draw: Any) -> bytes:
    """JSON of the three kinds that are tables, with any values."""
    rows = st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), max_size=4)
    columns = st.dictionaries(st.text(max_size=4), st.lists(_VALUES, max_size=4), max_size=4)
    return json.dumps(draw(st.one_of(rows, columns, _VALUES))).encode()


@st.composite
def json_lines(draw: Any) -> bytes:
    rows = draw(st.lists(st.one_of(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), _VALUES), max_size=5))
    return "\n".join(map(json.dumps, rows)).encode()


@st.composite
def tables(draw: Any) -> bytes:
    """Lines of any cells, of any length, in any encoding."""
    cell = st.text('ab1,;"\t\r\n.-ä€\0', max_size=6)
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    lines = draw(st.lists(st.lists(cell, max_size=4).map(separator.join), max_size=6))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(["a,b", *lines])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-16-le"])), "replace")


@st.composite
def archives(draw: Any) -> bytes:
    parts = draw(st.lists(arrays(), min_size=1, max_size=3))
    return zipped(*((f"{place}.npy", part) for place, part in enumerate(parts)))


@st.composite
def pictures(draw: Any) -> bytes:
    """A picture of any kind, with some bytes changed."""
    from PIL import Image

    content = io.BytesIO()
    kind = draw(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"]))
    mode = draw(st.sampled_from(["RGB", "L", "1"] if kind != "WEBP" else ["RGB"]))
    Image.new(mode, draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))).save(content, kind)
    changed = bytearray(content.getvalue())
    for _ in range(draw(st.integers(0, 3))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


STRUCTURED: Mapping[str, st.SearchStrategy[bytes]] = {
    "zip": zips(),
    "csv": tables(),
    "json": records(),
    "json lines": json_lines(),
    "npy": arrays(),
    "npz": archives(),
    "pictures": pictures(),
    "names": st.text(max_size=40).map(lambda name: name.encode("utf-8", "surrogatepass")),
    "pickles": pickles(),
}
