"""Threat 6: zips that declare, hold or overlap more than they should, and names that lead elsewhere."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from engine.errors import ReadError
from engine.readers import Source
from engine.readers.archives import member_pieces, members, read_member
from engine.settings import Settings
from tests.threats.reading import read


def packed(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def declaring(path: Path, size: int) -> Path:
    """The zip with another size in its first member's two headers."""
    content = bytearray(path.read_bytes())
    for place in (content.index(b"PK\3\4") + 22, content.index(b"PK\1\2") + 24):
        content[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", ("rows.csv", bytes(110 << 20)))
    with pytest.raises(ReadError, match="would unpack to 110 MiB; at most 100 MiB"):
        read(path)


@pytest.mark.parametrize(("declared", "given"), [(1_000, 1 << 20), (1 << 20, 1_000), (1_000, 30 << 20)])
def test_members_that_hold_another_size_than_they_declare(tmp_path: Path, declared: int, given: int) -> None:
    """Nor is more of them unpacked than they declare, to disk, as tables are, or in memory, as pictures are."""
    path = declaring(packed(tmp_path / "liar.zip", ("rows.csv", bytes(given))), declared)
    with pytest.raises(ReadError, match="damaged in the zip"):
        read(path)
    [member] = members(Source(path.name, path), Settings())
    assert sum(map(len, member_pieces(member))) <= declared + 1
    tracemalloc.start()
    with pytest.raises(ReadError, match="damaged in the zip"):
        read_member(member)
    assert tracemalloc.get_traced_memory()[1] < declared + (1 << 20)
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_byte_is_found(tmp_path: Path, method: int) -> None:
    path = packed(tmp_path / "rows.zip", ("rows.csv", b"a,b\n1,2\n" * 50), method=method)
    content = bytearray(path.read_bytes())
    content[44] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged in the zip"):
        read(path)
    with pytest.raises(ReadError, match="damaged in the zip"):
        read_member(members(Source(path.name, path), Settings())[0])


@pytest.mark.parametrize("name", ["../../rows.csv", "/etc/rows.csv", "C:\\rows.csv", "a/../../rows.csv"])
def test_names_lead_nowhere(tmp_path: Path, name: str) -> None:
    report, rows = read(packed(tmp_path / "rows.zip", (name, b"a,b\n1,2\n")))
    assert (report.n_good, rows.row(0)) == (1, (1.0, 2.0))
    inside = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert inside == {"rows.zip", "read"}


def test_a_symbolic_link_is_the_text_of_its_target(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("rows.csv")
    link.external_attr = 0o120777 << 16
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, str(secret))
    report, _ = read(tmp_path / "link.zip")
    assert report.fatal
    assert report.n_rows == 0


def test_zips_in_zips_are_not_opened(tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.zip", ("rows.csv", b"a,b\n1,2\n"))
    with pytest.raises(ReadError, match="no table in the zip"):
        read(packed(tmp_path / "outer.zip", ("inner.zip", inner.read_bytes())))


@pytest.mark.parametrize(("count", "refused"), [(10, False), (11, True)])
def test_members_at_the_limit_and_one_above(tmp_path: Path, count: int, refused: bool) -> None:
    rows = [(f"{number}.csv", b"a,b\n1,2\n") for number in range(count)]
    path = packed(tmp_path / "many.zip", *rows)
    if not refused:
        assert read(path, max_archive_members=10)[0].n_rows == 10
        return
    with pytest.raises(ReadError, match="holds more than 10 files"):
        read(path, max_archive_members=10)


@pytest.mark.parametrize(("size", "refused"), [(1_000, False), (1_001, True)])
def test_bytes_at_the_limit_and_one_above(tmp_path: Path, size: int, refused: bool) -> None:
    path = packed(tmp_path / "rows.zip", ("rows.csv", (b"a,b\n" + b"1,2\n" * 300)[: size - 1] + b"\n"))
    if not refused:
        assert read(path, max_archive_bytes=1_000)[0].n_rows == 249
        return
    with pytest.raises(ReadError, match="would unpack to"):
        read(path, max_archive_bytes=1_000)


def test_the_ratio_at_the_limit_and_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.readers.archives.FREE_RATIO_BYTES", 0)
    path = packed(tmp_path / "rows.zip", ("rows.csv", b"a,b\n" + b"1,2\n" * 100_000))
    ratio = 400_004 // path.stat().st_size
    assert read(path, max_archive_ratio=ratio + 1)[0].n_rows == 100_000
    with pytest.raises(ReadError, match="would unpack to"):
        read(path, max_archive_ratio=ratio)


def test_a_directory_of_millions_is_refused_before_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    count = Settings.model_fields["max_archive_members"].default + 2
    size = count * len(entry)
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, 0)
    end = struct.pack("<4sLQL", b"PK\6\7", 0, size, 1) + struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0
    )
    (tmp_path / "many.zip").write_bytes(entry * count + end_64 + end)
    monkeypatch.setattr("zipfile.ZipFile", None)
    with pytest.raises(ReadError, match="holds more than 200,000 files"):
        members(Source("many.zip", tmp_path / "many.zip"), Settings())


def test_locked_ones(tmp_path: Path) -> None:
    locked = bytearray(packed(tmp_path / "locked.zip", ("rows.csv", b"a,b\n")).read_bytes())
    locked[locked.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(ReadError, match="locked with a password"):
        read(tmp_path / "locked.zip")


def test_ways_of_packing_that_no_check_counts(tmp_path: Path) -> None:
    path = packed(tmp_path / "odd.zip", ("rows.csv", b"a,b\n1,2\n"), method=zipfile.ZIP_BZIP2)
    with pytest.raises(ReadError, match="packed in a way that is not read"):
        read(path)
