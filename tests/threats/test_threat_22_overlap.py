"""Threat 22: zip entries that share bytes; Python 3.11.7's own reader takes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.errors import ReadError
from tests.threats.reading import read
from tests.threats.test_threat_06_zip import packed


def test_overlapping_members(tmp_path: Path) -> None:
    """The second one's directory entry points to the first one's bytes; Python 3.11.7 takes it."""
    path = packed(tmp_path / "overlap.zip", ("a.csv", b"a,b\n1,2\n"), ("b.csv", b"a,b\n1,2\n"))
    content = bytearray(path.read_bytes())
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 4)
    content[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="overlap"):
        read(path)


def test_a_member_that_goes_on_beyond_the_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "beyond.zip", ("a.csv", b"a,b\n1,2\n"))
    content = bytearray(path.read_bytes())
    for place in (content.index(b"PK\3\4") + 18, content.index(b"PK\1\2") + 20):
        content[place : place + 4] = struct.pack("<I", 1 << 30)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="overlap"):
        read(path)
