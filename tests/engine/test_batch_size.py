"""Batch sizes: found by trying, remembered, halved where the memory does not hold a batch; and devices that fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine import Engine, Options, Run, Settings, Source
from engine.cards.card import read_card
from engine.checkpoints.warm import load_model
from engine.prediction.batch_size import find_batch_size
from tests.engine.making import TABULAR_CARD, linear, write_model
from tests.engine.trouble import write_rows, write_trouble
from tests.pool import open_engine

ROWS = 131_072
_STEP = """if len(x) > 5:
            time.sleep({seconds})
        if len(x) > {most}:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trouble(tmp_path_factory.mktemp("trouble"))


@pytest.fixture
def engine(tmp_path: Path, models: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=tmp_path / "home", models=(models,), accelerator="cpu"))
    yield engine
    engine.close()


def begun(engine: Engine, model: str, path: Path, batch_size: int | None) -> Run:
    run = engine.check(model, [Source(path.name, path)])
    return engine.submit(run.id, Options(batch_size=batch_size))


@pytest.mark.parametrize(
    ("seconds", "most", "found"),
    [
        ("1e-5 * len(x)", 10**9, (16_384, True)),  # twice the rows take twice the time
        ("0.2", 40_000, (32_768, True)),  # larger is faster, up to what the memory holds
        ("0.2", 5_000, (4_096, True)),  # it does not even hold the usual size
        ("0.2", 10**9, (65_536, False)),  # larger would be faster still, but the rows are too few to tell
        ("1.2", 10**9, (16_384, True)),  # a batch takes long enough already
    ],
)
def test_the_size_grows_while_that_is_faster(tmp_path: Path, seconds: str, most: int, found: tuple[int, bool]) -> None:
    folder = write_model(tmp_path / "timed", linear(_STEP.format(seconds=seconds, most=most)), TABULAR_CARD)
    model = load_model(read_card(folder / "card.yaml"), folder)
    values = np.random.default_rng(0).normal(size=(4, 200_000)).astype(np.float32)
    rows = pa.table(list(values), names=list("abcd"))
    assert find_batch_size(model, rows, tmp_path / "scratch.parquet", accelerator="cpu") == found
    assert not (tmp_path / "scratch.parquet").exists()


def test_what_is_found_is_remembered_and_the_run_keeps_its_own(engine: Engine, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", ROWS)
    checkpoint = engine.wait(begun(engine, "hungry", path, 16_384).id).checkpoint_sha256
    store = engine._open().store
    assert store.batch_sizes(checkpoint, "32-true") == {}
    store.learn_batch_size(checkpoint, "32-true", "another device", 7)
    store.learn_batch_size(checkpoint, "32-true", "cpu", 50_000)
    ended = engine.wait(begun(engine, "hungry", path, None).id)
    assert ended.state == "done", ended.error
    assert '"batch_size": 50000' in (ended.folder / "plan.json").read_text()
    assert engine.results(ended.id).n_rows == ROWS
    store.learn_batch_size(checkpoint, "32-true", "cpu", 20_000)
    engine._open().backend.cancel(ended.id)
    assert '"batch_size": 50000' in (ended.folder / "plan.json").read_text()


def test_half_the_size_is_remembered(engine: Engine, models: Path, tmp_path: Path) -> None:
    rows = dict.fromkeys(range(0, 1_000, 40), 666)
    ended = engine.wait(begun(engine, "hungry", write_rows(tmp_path / "rows.csv", 1_000, rows), None).id)
    assert ended.state == "done", ended.error
    found = engine._open().store.batch_sizes(ended.checkpoint_sha256, "32-true")
    assert found == {"cpu": 31}, "half of the smallest batch that did not fit"
