"""Zips, looked at before they are read: how many members, what they declare, whether they overlap. Never extracted."""

from __future__ import annotations

import mmap
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import ReadError
from engine.readers.source import Source
from engine.settings import Settings

_LOCAL_HEADER = struct.Struct("<4s2B4HL2L2H")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FREE_RATIO_BYTES = 100 << 20


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
        with zipfile.ZipFile(source.path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise ReadError(f"{source.name} is not a whole zip: {exc}. Pack it again.") from exc
    _check_sizes(source, infos, settings)
    if not infos:
        return []
    with source.path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
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
        raise ReadError("damaged in the zip (its checksum is wrong). Pack it again.")
    return content


def _check_sizes(source: Source, infos: Sequence[zipfile.ZipInfo], settings: Settings) -> None:
    if len(infos) > settings.max_archive_members:
        raise ReadError(f"{source.name} holds {len(infos):,} files; at most {settings.max_archive_members:,} are read.")
    declared, size = sum(info.file_size for info in infos), source.path.stat().st_size
    most = min(settings.max_archive_bytes, max(_FREE_RATIO_BYTES, settings.max_archive_ratio * size))
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
