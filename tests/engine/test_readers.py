"""Every format, separator and encoding: what stands in the file comes back, or a sentence says why not."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers import READERS, Source, scan, scan_table
from engine.readers.images import list_pictures
from engine.settings import Settings

CARD = ModelCard.model_validate(
    {
        "title": "t",
        "task": "tabular-regression",
        "module": "m:M",
        "signature": [{"name": "a"}, {"name": "b"}],
        "outputs": [{"name": "y"}],
    }
)
TABLE = {"id": ["00123", "ü", 'a "b", c'], "a": [1.5, -2.0, 3e-7], "b": [1.0, 2.0, 3.0]}


def _excel(path: Path) -> None:
    pl.DataFrame(TABLE).write_excel(path)


def _npz(path: Path) -> None:
    np.savez(path, a=np.array(TABLE["a"]), b=np.array(TABLE["b"]))


WRITERS: dict[str, Callable[[Path], object]] = {
    ".csv": lambda path: pl.DataFrame(TABLE).write_csv(path),
    ".tsv": lambda path: pl.DataFrame(TABLE).write_csv(path, separator="\t"),
    ".txt": lambda path: pl.DataFrame(TABLE).write_csv(path, separator="|"),
    ".tab": lambda path: pl.DataFrame(TABLE).write_csv(path, separator="\t"),
    ".jsonl": lambda path: pl.DataFrame(TABLE).write_ndjson(path),
    ".ndjson": lambda path: pl.DataFrame(TABLE).write_ndjson(path),
    ".json": lambda path: path.write_text(json.dumps(pl.DataFrame(TABLE).to_dicts())),
    ".parquet": lambda path: pl.DataFrame(TABLE).write_parquet(path),
    ".xlsx": _excel,
    ".xlsm": _excel,
    ".npy": lambda path: np.save(path, np.array([TABLE["a"], TABLE["b"]]).T),
    ".npz": _npz,
}
ONLY_READ = {".xls", ".ods"}  # nothing that is installed writes these


def read(path: Path, card: ModelCard = CARD, folder: Path | None = None) -> pl.DataFrame:
    [(_, found)] = scan_table([Source(path.name, path)], card, folder or path.parent, Settings(home=path.parent))
    return found.frame.collect()


@pytest.mark.parametrize("suffix", sorted(set(READERS) - ONLY_READ))
def test_each_format_gives_its_columns(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    WRITERS[suffix](path)
    found = read(path)
    assert found["a"].cast(pl.Float64).to_list() == TABLE["a"]
    assert found["b"].cast(pl.Float64).to_list() == TABLE["b"]
    if not suffix.startswith(".np"):
        assert found["id"].to_list() == TABLE["id"]


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_no_format_takes_what_it_is_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ReadError, match=r"rows\."):
        read(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".json", ".xlsx", ".npy"])
def test_empty_files_are_said_to_be_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.touch()
    with pytest.raises(ReadError, match=r"rows\."):
        read(path)


def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="'.docx' files cannot be read. This model takes tables"):
        scan(Source("rows.docx", tmp_path / "rows.docx"), CARD, tmp_path, Settings(home=tmp_path))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_encodings_and_line_ends(tmp_path: Path, separator: str, encoding: str, end: str) -> None:
    text = separator.join(("name", "a", "b")) + end + separator.join(('"Zoë\n& Jo"', "1.5", "2")) + end
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    found = read(path)
    assert found.columns == ["name", "a", "b"]
    assert found.row(0) == ("Zoë\n& Jo", "1.5", "2")


def test_a_decimal_comma_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a;b\n1,5;2\n3;4\n")
    found = scan(Source("rows.csv", path), CARD, tmp_path, Settings(home=tmp_path))
    assert found.decimal_comma
    assert "numbers are written with a decimal comma." in found.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3,4\n", "has no header: its first line is 1, 2"),
        ("a,a,b\n1,2,3\n", "column 'a' stands in the header twice"),
        ("", "is empty"),
        ("\n\n", "is empty"),
    ],
)
def test_headers_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(ReadError, match=words):
        read(path)


NUMBERS = st.lists(st.text("0123456789.eE+-_xnaifNI ", min_size=1, max_size=12), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=NUMBERS)
def test_numbers_are_the_same_whoever_parses_them(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(("a,b", *(f"{cell},{cell}" for cell in cells))) + "\n")
    found = scan(Source(path.name, path), CARD, path.parent, Settings())
    assert found.typed is not None
    texts, parsed = found.frame.collect(), found.typed({"a": pl.Float64(), "b": pl.Int64()}).collect()
    for name, dtype in parsed.schema.items():  # spaces before a number are left out, as the lenient reading does
        assert parsed[name].equals(texts[name].str.strip_chars_start().cast(dtype, strict=False)), (name, cells)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(lambda cell: cell != "﻿")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(CELLS, min_size=1, max_size=8), separator=st.sampled_from(",;\t|"))
def test_any_text_comes_back_character_for_character(tmp_path: Path, cells: list[str], separator: str) -> None:
    path = tmp_path / "rows.csv"
    table = pl.DataFrame({"id": cells, "a": ["1"] * len(cells), "b": ["2"] * len(cells)})
    path.write_text(table.write_csv(separator=separator, quote_style="always"), encoding="utf-8")
    assert read(path)["id"].to_list() == cells


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_number_comes_back_bit_for_bit(tmp_path: Path, numbers: list[float]) -> None:
    path = tmp_path / "rows.csv"
    pl.DataFrame({"a": [repr(number) for number in numbers], "b": ["0"] * len(numbers)}).write_csv(path)
    found = read(path)["a"].cast(pl.Float64).to_list()
    assert [struct.pack("d", number) for number in found] == [struct.pack("d", number) for number in numbers]


def test_tables_in_a_zip_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "tables.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", "a,b\n1,2\n")
        archive.writestr("more/two.csv", "a,b\n3,4\n")
        archive.writestr("__MACOSX/._one.csv", "junk")
    found = list(scan_table([Source("tables.zip", path)], CARD, tmp_path, Settings(home=tmp_path)))
    assert [source.name for source, _ in found] == ["one.csv", "more/two.csv"]
    assert [each.frame.collect().row(0) for _, each in found] == [("1", "2"), ("3", "4")]


def test_arrays_say_their_shape(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((3, 5)))
    with pytest.raises(ReadError, match=r"found an array of 3 × 5 float64, expected numbers \(rows, 2\)"):
        read(path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ReadError, match="not a plain NumPy array"):
        read(path)


def test_who_brings_an_iphones_pictures_is_told_what_to_do(tmp_path: Path) -> None:
    listed = list_pictures([Source("IMG_2042.HEIC", tmp_path / "IMG_2042.HEIC")], Settings(home=tmp_path))

    assert not listed.pictures
    assert listed.notes == [
        "1 file is no picture, and left out: IMG_2042.HEIC."
        " Pictures of an iPhone (HEIC) are read once they are saved as JPEG."
    ]
