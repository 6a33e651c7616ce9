"""Zips, looked at before they are read: how many members, what they declare, whether they overlap. Never extracted."""

from __future__ import annotations

import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ReadError
from engine.readers.source import Source
from engine.settings import Settings

_LOCAL_HEADER = struct.Struct("<4s2B4HL2L2H")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DIRECTORY_ENTRY, _DIRECTORY_END, _DIRECTORY_END_64 = struct.Struct("<4s24x3H12x"), b"PK\5\6", b"PK\6\6"
_LONGEST_COMMENT = 65_535
_PIECE = 1 << 20
_WRONG = "damaged in the zip (its checksum is wrong). Pack it again."
FREE_RATIO_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a zip: its name, and where its bytes are."""

    name: str
    archive: Source
    data: mmap.mmap
    offset: int
    packed: int
    size: int
    checksum: int
    method: int


def members(source: Source, settings: Settings) -> list[Member]:
    """The zip's files in the order of its directory; ReadError where it is damaged, or declares more than allowed."""
    try:
        with source.path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            _check_count(source, data, settings)
            with zipfile.ZipFile(file) as archive:
                if not all(info.filename for info in archive.infolist()):
                    raise zipfile.BadZipFile("a file in it has no name")
                infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as exc:
        raise ReadError(f"{source.name} is not a whole zip: {exc}. Pack it again.") from exc
    _check_sizes(source, infos, settings)
    found = [_member(source, data, info) for info in infos]
    _check_overlap(source, found)
    return [member for member in found if not _is_junk(member.name)]


def read_member(member: Member) -> bytes:
    """The file's bytes, never more than it declares; ReadError where they are not what the zip's checksum says."""
    packed = member.data[member.offset : member.offset + member.packed]
    content = packed
    if member.method == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflater.decompress(packed, member.size + 1)
        except zlib.error as exc:
            raise ReadError(f"damaged in the zip ({exc}). Pack it again.") from exc
    if len(content) != member.size or zlib.crc32(content) != member.checksum:
        raise ReadError(_WRONG)
    return content


def copy_member(member: Member, path: Path) -> None:
    """Writes the file's bytes to `path`, as `read_member` reads them, but a piece at a time."""
    checksum = 0
    with path.open("wb") as file:
        for piece in member_pieces(member):
            file.write(piece)
            checksum = zlib.crc32(piece, checksum)
    if path.stat().st_size != member.size or checksum != member.checksum:
        raise ReadError(f"{member.name}: {_WRONG}")


def member_pieces(member: Member) -> Iterator[bytes]:
    """The file's bytes, in pieces, at most one byte more than it declares; ReadError where they cannot be unpacked."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == zipfile.ZIP_DEFLATED else None
    left = member.size + 1
    for start in range(member.offset, member.offset + member.packed, _PIECE):
        packed = member.data[start : min(start + _PIECE, member.offset + member.packed)]
        while packed and left > 0:
            try:
                piece = inflater.decompress(packed, min(left, _PIECE)) if inflater else packed[:left]
            except zlib.error as exc:
                raise ReadError(f"{member.name}: damaged in the zip ({exc}). Pack it again.") from exc
            packed = inflater.unconsumed_tail if inflater else b""
            left -= len(piece)
            yield piece


def _check_count(source: Source, data: mmap.mmap, settings: Settings) -> None:
    """Refuses a directory of too many files before a list is made of it, which takes 600 bytes for each."""
    end = data.rfind(_DIRECTORY_END, max(0, len(data) - _LONGEST_COMMENT - 22))
    if end < 0 or end + 16 > len(data):
        return  # no zip, as will be said
    (size,) = struct.unpack_from("<L", data, end + 12)
    end_64 = data.rfind(_DIRECTORY_END_64, max(0, end - 1_000), end)
    if size == 0xFFFFFFFF and end_64 >= 0:
        (size,) = struct.unpack_from("<Q", data, end_64 + 40)
        end = end_64
    place, count = end - size, 0
    while place >= 0 and place + _DIRECTORY_ENTRY.size + 4 <= end:
        mark, *lengths = _DIRECTORY_ENTRY.unpack_from(data, place)
        if mark != b"PK\1\2":
            return
        place, count = place + 46 + sum(lengths), count + 1
        if count > settings.max_archive_members:
            raise ReadError(f"{source.name} holds more than {settings.max_archive_members:,} files. Split it.")


def _check_sizes(source: Source, infos: Sequence[zipfile.ZipInfo], settings: Settings) -> None:
    if len(infos) > settings.max_archive_members:
        raise ReadError(f"{source.name} holds more than {settings.max_archive_members:,} files. Split it.")
    declared, size = sum(info.file_size for info in infos), source.path.stat().st_size
    most = min(settings.max_archive_bytes, max(FREE_RATIO_BYTES, settings.max_archive_ratio * size))
    if declared > most:
        raise ReadError(f"{source.name} would unpack to {declared >> 20:,} MiB; at most {most >> 20:,} MiB are read.")
    for info in infos:
        if info.flag_bits & 1:
            raise ReadError(f"{source.name} is locked with a password. Pack it without one.")
        if info.compress_type not in _METHODS:
            raise ReadError(
                f"{source.name}: '{info.filename}' is packed in a way that is not read. Pack it as a usual zip."
            )


def _member(source: Source, data: mmap.mmap, info: zipfile.ZipInfo) -> Member:
    """Finds where the bytes begin: behind a local header, whose names' lengths may differ from the directory's."""
    header = data[info.header_offset : info.header_offset + _LOCAL_HEADER.size]
    if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\3\4":
        raise ReadError(f"{source.name}: '{info.filename}' is not where the zip says. Pack it again.")
    fields = _LOCAL_HEADER.unpack(header)
    offset = info.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1]
    return Member(info.filename, source, data, offset, info.compress_size, info.file_size, info.CRC, info.compress_type)


def _check_overlap(source: Source, found: Sequence[Member]) -> None:
    end = 0
    for member in sorted(found, key=lambda member: member.offset):
        if member.offset < end or member.offset + member.packed > len(member.data):
            raise ReadError(f"{source.name}: files overlap in the zip. Pack it again.")
        end = member.offset + member.packed


def _is_junk(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini") or parts[-1].startswith("._")
