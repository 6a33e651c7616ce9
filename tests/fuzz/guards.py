"""What is fuzzed: each guard with what must hold for any bytes at all, and files to begin with.

A guard may take what it is given or refuse it with a sentence; nothing else may leave it, no process may end in it.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.cards.card import ImageInput, ModelCard
from engine.errors import CheckpointError, ForelightError, ReadError
from engine.readers import Source, scan
from engine.readers.archives import members, read_member
from engine.settings import BUNDLED_MODELS, Settings

Seeds = Callable[[], list[bytes]]
_LIMITS = {"max_archive_bytes": 1 << 22, "max_reader_bytes": 1 << 28, "max_rows": 100_000, "max_columns": 500}
_MOST_PIXELS = 1 << 14
_CARD = ModelCard.model_validate(
    {
        "title": "t",
        "task": "tabular-regression",
        "module": "m:M",
        "signature": [{"name": "a"}, {"name": "b"}],
        "outputs": [{"name": "y"}],
    }
)


@dataclass(frozen=True, slots=True)
class Guard:
    """`check` raises AssertionError, or anything but a refusal, where something is found. `runs` of the bench."""

    check: Callable[[bytes], None]
    seeds: Seeds
    runs: int


@cache
def folder() -> Path:
    """A folder in memory where there is one, for the file that is read."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="forelight-fuzz-", dir=memory if memory.is_dir() else None))


@cache
def settings() -> Settings:
    return Settings(home=folder(), **_LIMITS)  # type: ignore[arg-type]


def check_zip(content: bytes) -> None:
    """Members hold what they declare, as Python's own reader finds it, and together no more than is allowed."""
    path = folder() / "x.zip"
    path.write_bytes(content)
    try:
        found = members(Source("x.zip", path), settings())
    except ReadError:
        return
    assert sum(member.size for member in found) <= max(_LIMITS["max_archive_bytes"], len(content))
    with suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError), zipfile.ZipFile(path) as archive:
        for member in found:
            with suppress(ReadError):
                assert len(read_member(member)) == member.size
                assert member.name in archive.namelist()


def check_table(suffix: str) -> Callable[[bytes], None]:
    """A reader, by its suffix: lazy columns, of names that differ, or a refusal."""

    def check(content: bytes) -> None:
        path = folder() / f"x{suffix}"
        path.write_bytes(content)
        try:
            found = scan(Source(path.name, path), _CARD, folder(), settings())
            names = found.frame.collect_schema().names()
        except ForelightError:
            return
        assert len(set(names)) == len(names) <= _LIMITS["max_columns"]
        found.blame()
        with suppress(ReadError):  # quotes that can be read in several ways
            found.short()

    return check


def check_picture(content: bytes) -> None:
    """Pixels of the size that the card asks for, or a refusal."""
    from engine.readers.images import decode

    with suppress(ReadError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of tags that it skips
        assert decode(content, _image(), _MOST_PIXELS).shape == (3, 8, 8)


@cache
def _image() -> ImageInput:
    return ImageInput.model_validate({"size": [8, 8], "channels": 3})


def check_name(content: bytes) -> None:
    """Markdown shows the characters of a name and makes nothing of them."""
    from markdown_it import MarkdownIt

    from dashboard.words import plain

    name = content.decode("utf-8", "replace").replace("\0", "�")
    shown = MarkdownIt("commonmark", {"html": True}).enable("strikethrough").parse(plain(f"x{name}", most=10_000))
    inline = shown[1].children or []
    assert [each.type for each in shown] == ["paragraph_open", "inline", "paragraph_close"]
    assert {each.type for each in inline} <= {"text", "text_special"}
    said = "".join(each.content for each in inline)
    assert said.replace("\u2060", "") == " ".join(f"x{name}".split()).replace("\u2060", "")


def check_pickle(content: bytes) -> None:
    """What a checkpoint's pickle would make is described or refused; nothing of it is made."""
    from engine.checkpoints.harmless import check_harmless

    with suppress(CheckpointError):
        check_harmless("x.ckpt", content, {"0": 16})


def zipped(*named: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, part in named:
            archive.writestr(name, part)
    return content.getvalue()


_CSV = b'a,b,c\n1,2,x\n"3",4.5,"y ""z"""\n'
_ROWS = [{"a": 1, "b": 2.5, "c": "x"}, {"a": None, "b": 3, "c": [1, {"d": 2}]}]


def zip_seeds() -> list[bytes]:
    stored = zipped(("a.csv", _CSV), ("f/b.csv", b""), method=zipfile.ZIP_STORED)
    return [zipped(("a.csv", _CSV), ("b.csv", _CSV * 9)), stored, zipped()]


def csv_seeds() -> list[bytes]:
    return [
        _CSV,
        _CSV.replace(b",", b";"),
        "a\tb\nä,1\t2\r\n".encode("utf-16"),
        b"a,b\r1,2\r",
        "a|b\nß|1\n".encode("cp1252"),
    ]


def json_seeds() -> list[bytes]:
    rows = {"columns": ["a", "b"], "data": [[1, 2], [3, None]]}
    return [json.dumps(each).encode() for each in (_ROWS, rows, {"a": [1, 2], "b": {"0": 1, "1": 2}})]


def json_lines_seeds() -> list[bytes]:
    return ["\n".join(map(json.dumps, _ROWS)).encode()]


def parquet_seeds() -> list[bytes]:
    import polars as pl

    content, other = io.BytesIO(), io.BytesIO()
    pl.DataFrame({"a": [1, 2], "b": [1.5, None], "c": ["x", "y"]}).write_parquet(content)
    pl.DataFrame({"a": [[1], []], "c": pl.Series(["x", "x"], dtype=pl.Categorical)}).write_parquet(
        other, compression="uncompressed"
    )
    return [content.getvalue(), other.getvalue()]


def array_seeds() -> list[bytes]:
    import numpy as np

    found = []
    for array in (np.ones((2, 2)), np.arange(4, dtype=">i2").reshape(2, 2), np.array([["x", "y"]])):
        content = io.BytesIO()
        np.save(content, array)
        found.append(content.getvalue())
    return found


def archive_seeds() -> list[bytes]:
    import numpy as np

    content, packed = io.BytesIO(), io.BytesIO()
    np.savez(content, a=np.ones(3), b=np.arange(3))
    np.savez_compressed(packed, np.ones((3, 2)))
    return [content.getvalue(), packed.getvalue()]


def sheet_seeds() -> list[bytes]:
    import openpyxl

    content, book = io.BytesIO(), openpyxl.Workbook()
    for row in (("a", "b"), (1, 2.5), ("x", None)):
        book.active.append(row)
    book.save(content)
    return [content.getvalue()]


def picture_seeds() -> list[bytes]:
    from PIL import Image

    found = []
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        content = io.BytesIO()
        Image.linear_gradient("L").resize((9, 7)).convert("RGB").save(content, kind)
        found.append(content.getvalue())
    return found


def name_seeds() -> list[bytes]:
    return [
        name.encode() for name in ("![x](http://e.example)", "<b>:tada: $x$", "1. a_b *c* `d`", "www.e.example a@e")
    ]


def pickle_seeds() -> list[bytes]:
    with zipfile.ZipFile(BUNDLED_MODELS / "penguins" / "model.ckpt") as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".pkl")]


GUARDS: Mapping[str, Guard] = {
    "zip": Guard(check_zip, zip_seeds, 300_000),
    "csv": Guard(check_table(".csv"), csv_seeds, 80_000),
    "json": Guard(check_table(".json"), json_seeds, 100_000),
    "json lines": Guard(check_table(".jsonl"), json_lines_seeds, 10_000),
    "parquet": Guard(check_table(".parquet"), parquet_seeds, 10_000),
    "npy": Guard(check_table(".npy"), array_seeds, 200_000),
    "npz": Guard(check_table(".npz"), archive_seeds, 50_000),
    "xlsx": Guard(check_table(".xlsx"), sheet_seeds, 3_000),
    "pictures": Guard(check_picture, picture_seeds, 30_000),
    "names": Guard(check_name, name_seeds, 100_000),
    "pickles": Guard(check_pickle, pickle_seeds, 150_000),
}
