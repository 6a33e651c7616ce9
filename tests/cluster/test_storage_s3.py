"""Runs on a real S3 server over HTTP: two servers with disks of their own see, resume, and delete each other's runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Options, Settings, Source
from engine.errors import RunNotFound
from engine.settings import BUNDLED_MODELS
from tests.engine.test_life import begun, undisturbed
from tests.engine.trouble import write_rows, write_trouble
from tests.pool import open_engine

pytest.importorskip("s3fs", reason="make test-cluster installs it")
pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]


def test_two_servers_on_one_bucket(tmp_path: Path, s3: Any) -> None:
    s3.mkdir("lab")
    models = write_trouble(tmp_path / "models")

    def opened(machine: str) -> Engine:
        return open_engine(
            Settings(
                home=tmp_path / machine,
                models=(models, BUNDLED_MODELS),
                accelerator="cpu",
                database_url=f"sqlite:///{tmp_path / 'forelight.db'}",
                storage="s3://lab/runs",
            )
        )

    first, second = opened("first"), opened("second")
    second.serve()
    sources = first.sample_sources("digits", first.samples("digits")[0].title)
    run = first.check("digits", sources, keep_files=True)
    first.submit(run.id, Options(on_error="report"))
    assert first.wait(run.id, 120).state == "done", first.run(run.id).error
    assert second.export(run.id, "csv").read_bytes() == first.export(run.id, "csv").read_bytes()
    assert second.results(run.id).image(1) == first.results(run.id).image(1)

    path = write_rows(tmp_path / "rows.csv", 3_000)
    half = begun(first, path)
    second.cancel(half.id)
    assert 0 < first.wait(half.id, 30).rows_done < 3_000
    second.resume(half.id)
    assert second.wait(half.id, 120).state == "done", second.run(half.id).error
    assert second.export(half.id, "csv").read_bytes() == undisturbed(second, path)

    second.delete(run.id)
    assert not s3.exists(f"lab/runs/{run.id}")
    with pytest.raises(RunNotFound):
        first.run(run.id)
    for engine in (first, second):
        engine.close()


def test_a_row_is_typed_once(tmp_path: Path, s3: Any) -> None:
    """What is kept is what was checked: another server that predicts it reads no file of the visitor's."""
    if not s3.exists("lab"):
        s3.mkdir("lab")
    database = f"sqlite:///{tmp_path / 'forelight.db'}"
    own = {"models": (BUNDLED_MODELS,), "accelerator": "cpu", "database_url": database, "storage": "s3://lab/runs"}
    first, second = (open_engine(Settings(home=tmp_path / name, **own)) for name in ("first", "second"))  # type: ignore[arg-type]
    path = tmp_path / "rows.csv"
    path.write_bytes((BUNDLED_MODELS / "diabetes-progression" / "samples" / "patients.csv").read_bytes())
    run = first.check("diabetes-progression", [Source(path.name, path)])
    path.unlink()
    second.submit(run.id, Options())
    assert second.wait(run.id, 120).state == "done"
    assert first.results(run.id).n_rows == 30
    for engine in (first, second):
        engine.close()
