"""Threat 2: large tables that differ in one cell are two. Nothing kept between sessions is looked up by a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from engine import Engine, Options, Source
from engine.runs.book import question_of
from engine.runs.run import Record

MODEL = "diabetes-progression"
ROOT = Path(__file__).parents[2]
PLAIN = {"Known", "Where", "str", "int", "bool"}
ROWS = 60_000  # Streamlit would hash a sample of so many


def cached(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """(the decorator, the function) of all that is kept of what something was asked about."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and (node.args.args or node.args.kwonlyargs):
            yield from ((ast.unparse(each), node) for each in node.decorator_list if "cache" in ast.unparse(each))


def test_nothing_is_kept_by_a_table() -> None:
    """What would be hashed is the run's number and state, filters and words; the objects themselves are not."""
    functions = [found for path in (ROOT / "dashboard").rglob("*.py") for found in cached(path)]
    assert len(functions) > 5
    for decorator, function in functions:
        assert decorator.startswith("st.cache_resource("), "st.cache_data hashes a sample of a table"
        hashed = {ast.unparse(each.annotation) for each in function.args.args if not each.arg.startswith("_")}
        assert hashed <= PLAIN, function.name


def test_a_table_that_differs_in_one_cell_is_another_question(engine: Engine, samples: Path, tmp_path: Path) -> None:
    """Runs are found again by the SHA-256 of their files, checkpoint and options."""
    head, *lines = (samples / MODEL / "samples" / "patients.csv").read_text().splitlines()
    rows = (lines * (ROWS // len(lines) + 1))[:ROWS]

    def checked() -> Record:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join([head, *rows]) + "\n")
        return engine._open().book.record(engine.check(MODEL, [Source("rows.csv", path)]).id)

    record = checked()
    first = question_of(record, Options())
    assert question_of(checked(), Options()) == first
    old = rows[ROWS // 3]
    rows[ROWS // 3] = f"{old[:-1]}{(int(old[-1]) + 1) % 10}"
    others = [checked(), *(record.model_copy(update={name: "0" * 64}) for name in ("card_sha256", "checkpoint_sha256"))]
    asked = {question_of(record, Options(batch_size=7)), *(question_of(each, Options()) for each in others)}
    assert len(asked - {first}) == 4
