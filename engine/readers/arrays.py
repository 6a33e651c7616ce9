"""NumPy arrays: rows × features, or series × steps × features; named by the card's signature. Pickles are refused."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from engine.card import ModelCard
from engine.errors import ReadError
from engine.readers.source import Scan, Source

_FREE_BYTES, _MOST_BYTES_A_BYTE = 100 << 20, 200


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """The array's columns under the signature's names; an array of series gains the columns series and step, from 1."""
    if _is_npz(source):
        _check_headers(source)
    try:
        loaded = np.load(source.path, allow_pickle=False, mmap_mode=None if _is_npz(source) else "r")
        arrays = {name: loaded[name] for name in loaded.files} if _is_npz(source) else {"": loaded}
    except (ValueError, OSError, EOFError, AttributeError, MemoryError, zipfile.BadZipFile) as exc:
        raise ReadError(f"{source.name} is not a plain NumPy array: {str(exc).splitlines()[0]}.") from exc
    if len(arrays) == 1:
        return Scan(_columns(source, next(iter(arrays.values())), card))
    lengths = {len(array) for array in arrays.values() if array.ndim == 1}
    if len(lengths) != 1 or any(array.ndim != 1 for array in arrays.values()):
        raise ReadError(
            f"{source.name} holds {len(arrays)} arrays; expected one, or one of equal length for each column."
        )
    return Scan(pl.DataFrame({name: np.ascontiguousarray(array) for name, array in arrays.items()}).lazy())


def _check_headers(source: Source) -> None:
    """Refuses a zip whose arrays declare more bytes than their members hold, or far more than the file has."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            size = sum(info.file_size for info in archive.infolist())
            declared = sum(_declared(archive, info) for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as exc:
        raise ReadError(f"{source.name} is not a plain NumPy archive: {str(exc).splitlines()[0]}.") from exc
    most = max(_FREE_BYTES, _MOST_BYTES_A_BYTE * source.path.stat().st_size)
    if declared > size or size > most:
        what = f"declares {max(declared, size) >> 20:,} MiB of numbers and holds {min(size, most) >> 20:,} MiB"
        raise ReadError(f"{source.name} {what}. Save it again.")


def _declared(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Bytes of an array by its own header; ValueError where it is no array of plain numbers."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    if dtype.kind not in "fiubU":
        raise ValueError(f"'{info.filename}' holds {dtype}, expected numbers or text")
    return math.prod(shape) * dtype.itemsize


def _columns(source: Source, array: np.ndarray, card: ModelCard) -> pl.LazyFrame:
    names = [column.name for column in card.signature]
    shape = " × ".join(map(str, array.shape))
    wanted = f"(series, {card.sequence.length or 'steps'}, {len(names)})" if card.sequence else f"(rows, {len(names)})"
    dimensions = 3 if card.sequence else 2
    values = array[..., None] if array.ndim == dimensions - 1 and len(names) == 1 else array
    if values.ndim != dimensions or values.shape[-1] != len(names) or array.dtype.kind not in "fiub":
        raise ReadError(f"{source.name}: found an array of {shape} {array.dtype}, expected numbers {wanted}.")
    flat = np.asarray(values).reshape(-1, len(names))
    columns = {name: np.ascontiguousarray(flat[:, number]).astype(np.float64) for number, name in enumerate(names)}
    if card.sequence is None:
        return pl.DataFrame(columns).lazy()
    series, steps = values.shape[:2]
    order = {
        card.sequence.series: np.repeat(np.arange(1, series + 1), steps),
        card.sequence.step: np.tile(np.arange(1, steps + 1), series),
    }
    return pl.DataFrame({**order, **columns}).lazy()


def _is_npz(source: Source) -> bool:
    return Path(source.name).suffix.lower() == ".npz"
