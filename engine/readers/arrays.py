"""NumPy arrays: rows × features, or series × steps × features; named by the card's signature. Pickles are refused."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers.archives import Member, member_pieces, members
from engine.readers.source import Scan, Source, check_names, check_rows, first_line
from engine.settings import Settings

_LONGEST_HEADER = 65_536


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """The array's columns under the signature's names; an array of series gains the columns series and step, from 1."""
    if _is_npz(source):
        _check_headers(source, settings)
    try:
        loaded = np.load(source.path, allow_pickle=False, mmap_mode=None if _is_npz(source) else "r")
        arrays = {name: loaded[name] for name in loaded.files} if _is_npz(source) else {"": loaded}
    except (ValueError, OSError, EOFError, AttributeError, MemoryError, OverflowError, zipfile.BadZipFile) as exc:
        raise ReadError(f"{source.name} is not a plain NumPy array: {first_line(exc)}.") from exc
    if len(arrays) == 1:
        return Scan(_columns(source, next(iter(arrays.values())), card, settings))
    lengths = {len(array) for array in arrays.values() if array.ndim == 1}
    if len(lengths) != 1 or any(array.ndim != 1 for array in arrays.values()):
        raise ReadError(
            f"{source.name} holds {len(arrays)} arrays; expected one, or one of equal length for each column."
        )
    check_names(source, list(arrays), settings)
    check_rows(source, lengths.pop(), settings)
    return Scan(pl.DataFrame({name: _plain(array) for name, array in arrays.items()}).lazy())


def _check_headers(source: Source, settings: Settings) -> None:
    """Refuses a zip that declares too much, and one whose arrays declare more bytes than their members hold."""
    for member in members(source, settings):
        try:
            declared = _declared(member)
        except (OSError, ValueError, EOFError, OverflowError, StopIteration) as exc:
            raise ReadError(f"{source.name} is not a plain NumPy archive: {first_line(exc)}.") from exc
        if declared > member.size:
            what = f"declares {declared >> 20:,} MiB of numbers and holds {member.size >> 20:,} MiB"
            raise ReadError(f"{source.name} {what}. Save it again.")


def _declared(member: Member) -> int:
    """Bytes of an array by its own header; ValueError where it is no array of plain numbers or text."""
    start = io.BytesIO(b"".join(piece for piece, _ in zip(member_pieces(member), range(1), strict=False)))
    version = np.lib.format.read_magic(start)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(start)
    if dtype.kind not in "fiubU":
        raise ValueError(f"'{member.name}' holds {dtype}, expected numbers or text")
    return math.prod(shape) * dtype.itemsize


def _columns(source: Source, array: np.ndarray, card: ModelCard, settings: Settings) -> pl.LazyFrame:
    names = [column.name for column in card.signature]
    shape = " × ".join(map(str, array.shape))
    wanted = f"(series, {card.sequence.length or 'steps'}, {len(names)})" if card.sequence else f"(rows, {len(names)})"
    dimensions = 3 if card.sequence else 2
    values = array[..., None] if array.ndim == dimensions - 1 and len(names) == 1 else array
    if values.ndim != dimensions or values.shape[-1] != len(names) or array.dtype.kind not in "fiub":
        raise ReadError(f"{source.name}: found an array of {shape} {array.dtype}, expected numbers {wanted}.")
    if values.size == 0:
        raise ReadError(f"{source.name}: the array of {shape} is empty, expected numbers {wanted}.")
    check_rows(source, math.prod(values.shape[:-1]), settings)
    flat = np.asarray(values).reshape(-1, len(names))
    columns = {name: _plain(flat[:, number]) for number, name in enumerate(names)}
    if card.sequence is None:
        return pl.DataFrame(columns).lazy()
    series, steps = values.shape[:2]
    order = {
        card.sequence.series: np.repeat(np.arange(1, series + 1), steps),
        card.sequence.step: np.tile(np.arange(1, steps + 1), series),
    }
    return pl.DataFrame({**order, **columns}).lazy()


def _plain(array: np.ndarray) -> np.ndarray:
    """The values as 64 bits of this machine's own byte order: whole numbers stay whole."""
    wide = {"f": np.float64, "i": np.int64, "u": np.uint64}.get(array.dtype.kind)
    return np.ascontiguousarray(array if wide is None else array.astype(wide))


def _is_npz(source: Source) -> bool:
    return Path(source.name).suffix.lower() == ".npz"
