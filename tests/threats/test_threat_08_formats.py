"""Threat 8: Parquet, arrays, spreadsheets and packed files that become far more than they are."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cards.card import ModelCard
from engine.errors import ReadError
from tests.threats.checkpoints import Runs
from tests.threats.reading import SERIES, TABLE, messages, read

ROWS = 200_000


def parquet_of_one_number(path: Path) -> None:
    """2 kB for each 400 MB of zeros."""
    zeros = np.zeros(2_000_000)
    with pq.ParquetWriter(path, pa.schema([("a", pa.float64()), ("b", pa.float64())]), compression="zstd") as file:
        for _ in range(36):
            file.write_table(pa.table({"a": zeros, "b": zeros}))


def parquet_of_one_text(path: Path, *, category: bool = True, size: int = 900_000) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), pa.array(["x" * size]))
    ones = [1.0] * ROWS
    table = pa.table({"a": ones, "b": ones, "id": texts})
    pq.write_table(table, path, compression="zstd", store_schema=category)


def array_of_nothing(path: Path) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 0, 2)})


def array_larger_than_its_file(path: Path) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2)})


def archive_larger_than_its_members(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**32, 2)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue())


def packed_zeros(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml" if path.suffix == ".xlsx" else "a.npy", bytes(110 << 20))


def sheet_with_a_cell_far_away(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["a", "b"])
    sheet.append([1, 2])
    sheet["XFD1048576"] = 1
    book.save(path)


def ods(path: Path, rows: int, columns: int, *, empty_end: bool = False) -> None:
    def line(repeated: int, *cells: str) -> str:
        return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'

    name = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    value = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{}"/>'
    end = line(1_048_574, '<table:table-cell table:number-columns-repeated="16384"/>') if empty_end else ""
    lines = line(1, name.format("a"), name.format("b")) + line(rows, value.format(columns)) + end
    spaces = "".join(
        f' xmlns:{each}="urn:oasis:names:tc:opendocument:xmlns:{each}:1.0"' for each in ("office", "table", "text")
    )
    content = (
        f"<office:document-content{spaces}><office:body><office:spreadsheet><table:table table:name='S'>{lines}"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="m"/>')


def objects_of_other_names(path: Path, count: int) -> None:
    path.write_text(json.dumps([{f"k{number}": 1} for number in range(count)]))


def lines_of_other_names(path: Path, honest: int, count: int) -> None:
    """Each line has a name of its own, behind as many bytes of lines as there should be."""
    ours, *others = '{"a": 1, "b": 2}\n', *(f'{{"k{number:08}": 1}}\n' for number in range(count))
    path.write_text("".join([ours * (honest // len(ours)), *others]))


@pytest.mark.parametrize(
    ("name", "make", "card", "words"),
    [
        ("rows.parquet", parquet_of_one_number, TABLE, "would unpack to 1,098 MiB; at most 1,024 MiB"),
        ("rows.parquet", parquet_of_one_text, TABLE, "would unpack to 171,661 MiB"),
        ("rows.parquet", lambda path: parquet_of_one_text(path, category=False), TABLE, "would unpack to 171,661 MiB"),
        ("rows.parquet", lambda path: parquet_of_one_text(path, size=1_000_001), TABLE, "a cell of 1,000,001 bytes"),
        ("rows.json", lambda path: objects_of_other_names(path, 20_000), TABLE, "has 20,000 columns; at most 10,000"),
        ("rows.jsonl", lambda path: lines_of_other_names(path, 0, 60_000), TABLE, "has more than 10,000 columns"),
        ("rows.jsonl", lambda path: lines_of_other_names(path, 3 << 20, 40_000), TABLE, "has more than 10,000 columns"),
        ("rows.npy", array_of_nothing, SERIES, "1000000000 × 0 × 2 is empty"),
        ("rows.npy", array_larger_than_its_file, TABLE, "not a plain NumPy array"),
        ("rows.npz", archive_larger_than_its_members, TABLE, "declares 65,536 MiB of numbers and holds 0 MiB"),
        ("rows.npz", packed_zeros, TABLE, "would unpack to 110 MiB"),
        ("rows.xlsx", packed_zeros, TABLE, "would unpack to 110 MiB"),
        ("rows.xlsx", sheet_with_a_cell_far_away, TABLE, "spans 17,179,869,184 cells, of which 5 hold"),
        ("rows.ods", lambda path: ods(path, 1_000_000, 16_000), TABLE, "spans 16,000,000,002 cells"),
    ],
)
def test_bombs(tmp_path: Path, name: str, make: Callable[[Path], Any], card: ModelCard, words: str) -> None:
    make(tmp_path / name)
    with pytest.raises(ReadError, match=words):
        read(tmp_path / name, card=card)


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize("one_cell", [True, False])
def test_names_inside_of_cells_are_no_columns(tmp_path: Path, suffix: str, one_cell: bool) -> None:
    """Joined into one type they took 14 s and a gigabyte."""
    inside = [{f"k{number}": 1} for number in range(3_000)]
    records = [{"a": 1, "b": 2, "c": cell} for cell in ([inside] if one_cell else inside)]
    text = json.dumps(records) if suffix == ".json" else "\n".join(map(json.dumps, records))
    (tmp_path / f"rows{suffix}").write_text(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read(tmp_path / f"rows{suffix}")[1]["c"].to_list()
    assert [json.loads(cell) for cell in found] == [record["c"] for record in records]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < 200


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"a": 1, "b": ' + "[" * 9_999 + "]" * 9_999 + "}", "line 1: maximum recursion depth"),
        ('[{"a": [1]}]', "line 1: found an array, expected an object"),
        ('{"a": 1, "b": {"x": 1, "x": 2}}', "an object has the name 'x' twice"),
    ],
)
def test_cells_that_are_no_cells(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "rows.jsonl").write_text(line)
    with pytest.raises(ReadError, match=words):
        read(tmp_path / "rows.jsonl")


def test_long_names_are_counted_too(tmp_path: Path) -> None:
    """Those whose first thousand signs are the same, few in a look."""
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"{number:02000}": 1}}\n' for number in range(11_000)))
    with pytest.raises(ReadError, match="has more than 10,000 columns"):
        read(tmp_path / "rows.jsonl")


def test_many_names_are_no_bomb(tmp_path: Path) -> None:
    record = {"a": 1, "b": 2, **{f"k{number}": number for number in range(300)}}
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(record)}\n" * 3)
    assert read(tmp_path / "rows.jsonl")[0].n_good == 3


def test_sheets_as_programs_write_them_are_no_bombs(tmp_path: Path) -> None:
    ods(tmp_path / "rows.ods", 3, 2, empty_end=True)
    assert read(tmp_path / "rows.ods")[1].rows() == [(1.0, 1.0)] * 3


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: b"\x28\xb5\x2f\xfd" + content])
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.jsonl", "rows.json"])
def test_packed_files_are_bytes_whatever_they_are_called(
    tmp_path: Path, pack: Callable[[bytes], bytes], name: str
) -> None:
    (tmp_path / name).write_bytes(pack(b"a,b\n" + b"1,2\n" * 100_000))
    try:
        report, _ = read(tmp_path / name)
    except ReadError:
        return
    assert report.fatal


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".npz", ".json", ".jsonl"])
@pytest.mark.parametrize(("rows", "refused"), [(5, False), (6, True)])
def test_rows_at_the_limit_and_one_above(tmp_path: Path, suffix: str, rows: int, refused: bool) -> None:
    path, table = tmp_path / f"rows{suffix}", pl.DataFrame({"a": [1.0] * rows, "b": [2.0] * rows})
    match suffix:
        case ".npy":
            np.save(path, table.to_numpy())
        case ".npz":
            np.savez(path, a=table["a"].to_numpy(), b=table["b"].to_numpy())
        case ".jsonl":
            table.write_ndjson(path)
        case _:
            getattr(table, f"write_{suffix[1:]}")(path)
    if not refused:
        assert read(path, max_rows=5)[0].n_good == 5
        return
    with pytest.raises(ReadError, match="6 rows; at most 5 are read"):
        read(path, max_rows=5)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".jsonl", ".xlsx"])
@pytest.mark.parametrize(("columns", "refused"), [(5, False), (6, True)])
def test_columns_at_the_limit_and_one_above(tmp_path: Path, suffix: str, columns: int, refused: bool) -> None:
    path = tmp_path / f"rows{suffix}"
    table = pl.DataFrame({name: [1.0] for name in "abcdef"[:columns]})
    name = {".jsonl": "ndjson", ".xlsx": "excel"}.get(suffix, suffix[1:])
    getattr(table, f"write_{name}")(path)
    if not refused:
        assert read(path, max_columns=5)[0].n_good == 1
        return
    with pytest.raises(ReadError, match="has 6 columns; at most 5 are read"):
        read(path, max_columns=5)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".jsonl", ".xlsx"])
@pytest.mark.parametrize(("size", "refused"), [(100, False), (101, True)])
def test_cells_at_the_limit_and_one_above(tmp_path: Path, suffix: str, size: int, refused: bool) -> None:
    path = tmp_path / f"rows{suffix}"
    table = pl.DataFrame({"a": [1.0], "b": [2.0], "id": ["x" * size]})
    name = {".jsonl": "ndjson", ".xlsx": "excel"}.get(suffix, suffix[1:])
    getattr(table, f"write_{name}")(path)
    if not refused:
        assert read(path, max_cell_bytes=100)[0].n_good == 1
        return
    with pytest.raises(ReadError, match="101 bytes; at most 100 are read"):
        read(path, max_cell_bytes=100)


@pytest.mark.parametrize(
    "nested",
    [
        pl.Series([["x" * 101]]),
        pl.Series([[{"in": "x" * 101}]]),
        pl.Series([{"in": ["x" * 101]}]),
        pl.Series([[b"x" * 101]]),
        pl.Series([["x" * 101]], dtype=pl.List(pl.Categorical())),  # once in the file, however many rows have it
    ],
    ids=lambda nested: str(nested.dtype),
)
def test_texts_within_lists_and_structs_are_cells_too(tmp_path: Path, nested: pl.Series) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": [1.0], "b": [2.0], "id": nested}).write_parquet(path)
    assert read(path, max_cell_bytes=1_000)[0].n_good == 1
    with pytest.raises(ReadError, match="101 bytes; at most 100 are read"):
        read(path, max_cell_bytes=100)


def test_formats_that_are_read_whole_are_capped_by_the_readers_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("[" + " " * (2**28 // 12) + "]")
    with zipfile.ZipFile(tmp_path / "rows.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(33 << 20))
    with pytest.raises(ReadError, match="spreadsheets are read whole, up to 32 MiB"):
        read(tmp_path / "rows.xlsx", max_reader_bytes=2**28)
    with pytest.raises(ReadError, match="JSON is read whole, up to 21 MiB"):
        read(path, max_reader_bytes=2**28)


@pytest.mark.parametrize("dtype", ["<i8", ">i8", "<u8"])
def test_whole_numbers_above_two_to_the_53_stay_whole(tmp_path: Path, dtype: str) -> None:
    whole = ModelCard.model_validate(
        {**TABLE.model_dump(), "signature": [{"name": n, "type": "integer"} for n in "ab"]}
    )
    np.save(tmp_path / "rows.npy", np.array([[2**53 + 1, 1]], dtype))
    assert read(tmp_path / "rows.npy", card=whole)[1].row(0) == (2**53 + 1, 1)
    (tmp_path / "rows.csv").write_text("a,b\n9007199254740993,1\nx,2\n")
    assert read(tmp_path / "rows.csv", card=whole)[1]["a"].to_list() == [2**53 + 1, None]


@pytest.mark.parametrize("dtype", [">f8", ">f4", "<f2", ">i2", "bool"])
def test_numbers_of_any_machine(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "rows.npy", np.array([[1, 0]], dtype))
    np.savez(tmp_path / "rows.npz", a=np.array([1], dtype), b=np.array([0], dtype))
    for name in ("rows.npy", "rows.npz"):
        assert read(tmp_path / name)[1].row(0) == (1.0, 0.0)


def test_a_text_far_down_a_column_of_numbers_is_kept(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [["a", "b", "note"], *([1, 2, 3] for _ in range(1_500)), [1, "x", "kept"]]:
        sheet.append(row)
    book.save(tmp_path / "rows.xlsx")
    report, rows = read(tmp_path / "rows.xlsx")
    assert rows["note"].to_list()[-1] == "kept"
    assert "Column 'b', row 1501: found 'x', expected a number." in messages(report)


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.json", b'[{"a": 1, "b": 2, "a": 3}]'), ("rows.csv", b"a,b,a\n1,2,3\n"), ("rows.csv", b"a,b,,\n1,2,3,4\n")],
)
def test_names_that_stand_there_twice(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match="twice|two columns have no name"):
        read(tmp_path / name)


def test_names_that_stand_in_a_sheet_twice(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "a", "b"], [1, 2, 3]):
        book.active.append(row)
    book.save(tmp_path / "rows.xlsx")
    with pytest.raises(ReadError, match="column 'a' stands in the header twice"):
        read(tmp_path / "rows.xlsx")


@pytest.mark.parametrize("magic", [b"PAR1", b"\x93NUMPY\x01\x00\xff\xff", b"PK\3\4", b"\xd0\xcf\x11\xe0"])
@pytest.mark.parametrize("suffix", [".parquet", ".npy", ".npz", ".xlsx", ".xls", ".ods", ".json", ".jsonl", ".zip"])
def test_any_start_with_nothing_behind_it(tmp_path: Path, magic: bytes, suffix: str) -> None:
    (tmp_path / f"rows{suffix}").write_bytes(magic + struct.pack("<8Q", *range(8)))
    with pytest.raises(ReadError, match="rows"):
        read(tmp_path / f"rows{suffix}")


@pytest.mark.parametrize("name", ["rows.npy", "rows.npz"])
def test_a_pickle_that_is_called_an_array_is_not_loaded(tmp_path: Path, name: str) -> None:
    """NumPy takes what is no array for a pickle, where it may."""
    (tmp_path / name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    with pytest.raises(ReadError, match=name):
        read(tmp_path / name)
    assert not (tmp_path / "ran").exists()
