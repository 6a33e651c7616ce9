"""Models on a real S3 server over HTTP: fetched, predicted with, watched, and kept while it is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Settings
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

s3fs = pytest.importorskip("s3fs", reason="make test-cluster installs it")
pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]
MODEL = BUNDLED_MODELS / "diabetes-progression"


def test_a_model_of_a_bucket(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.mkdir("models")
    for path in MODEL.rglob("*"):
        if path.is_file():
            s3.put(str(path), f"models/lab/diabetes/{path.relative_to(MODEL)}")
    settings = Settings(home=tmp_path / "home", models=("s3://models/lab", "s3://nowhere/x"), accelerator="cpu")
    engine = open_engine(settings)
    assert [(each.id, bool(each.error)) for each in engine.models()] == [("diabetes", False), ("x", True)]
    sources = engine.sample_sources("diabetes", engine.samples("diabetes")[0].title)
    assert engine.predict_now("diabetes", sources)[0].n_good == 30

    fetched = {path: path.stat().st_mtime_ns for path in engine.model("diabetes").folder.rglob("*.ckpt")}
    s3.pipe("models/lab/diabetes/card.yaml", (MODEL / "card.yaml").read_bytes().replace(b"title: ", b"title: New ", 1))
    engine._fetched.look()
    assert engine.model("diabetes").usable_card().title.startswith("New ")
    assert fetched == {path: path.stat().st_mtime_ns for path in fetched}, "a checkpoint of the same ETag stays"
    engine.close()

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    again = open_engine(settings)
    assert [each.id for each in again.models()] == ["diabetes", "x"]
    again.close()
