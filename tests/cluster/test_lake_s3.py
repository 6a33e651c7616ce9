"""The lake on a real S3 server over HTTP: its folder, and no other key or bucket. `make test-cluster`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Caller, Engine, GuardedEngine, Options, Settings
from engine.errors import LakeError, NotInLake
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

s3fs = pytest.importorskip("s3fs", reason="make test-cluster installs it")
pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]
MODEL = "diabetes-progression"
PATIENTS = (BUNDLED_MODELS / MODEL / "samples" / "patients.csv").read_bytes()


@pytest.fixture(scope="module")
def lake(s3: Any) -> None:
    """Two buckets with files."""
    for name, content in {
        "lake/may/patients.csv": PATIENTS,
        "lake/may/sub/more.csv": b"a\n1\n",
        "lake/may/big.bin": b"x" * 9_000_000,
        "lake/may/.hidden": b"hidden",
        "lake/mayor/secret.csv": b"secret",
        "lake/secret.csv": b"secret",
        "other/secret.csv": b"secret",
    }.items():
        bucket = name.partition("/")[0]
        if not s3.exists(bucket):
            s3.mkdir(bucket)
        s3.pipe(name, content)


@pytest.fixture
def engine(tmp_path: Path, lake: None) -> Iterator[Engine]:
    settings = Settings(home=tmp_path, lake={"may": "s3://lake/may", "none": "s3://nowhere/x"}, accelerator="cpu")
    engine = open_engine(settings)
    yield engine
    engine.close()


@pytest.fixture
def ann(engine: Engine) -> GuardedEngine:
    return GuardedEngine(engine, Caller("ann", name="Ann"))


def test_a_file_of_a_bucket_is_predicted(engine: Engine, ann: GuardedEngine) -> None:
    found = ann.lake_entries("may")
    assert [(each.path, each.is_folder, each.size) for each in found] == [
        ("sub", True, 0),
        ("big.bin", False, 9_000_000),
        ("patients.csv", False, len(PATIENTS)),
    ]
    assert [each.path for each in ann.lake_entries("may", "sub")] == ["sub/more.csv"]
    upload = ann.take_from_lake("may", "patients.csv")
    assert upload.path.read_bytes() == PATIENTS
    assert ann.take_from_lake("may", "big.bin").size == 9_000_000
    run = ann.check(MODEL, [upload.source()], keep_files=True)
    ann.submit(run.id, Options(on_error="report"))
    assert engine.wait(run.id, 120).state == "done"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "../mayor/secret.csv",
        "../../other/secret.csv",
        "/other/secret.csv",
        "s3://other/secret.csv",
        "%2e%2e/secret.csv",
        "..%2fsecret.csv",
        "sub/%2e%2e/%2e%2e/secret.csv",
        ".hidden",
        "*.csv",
        "none.csv",
        "or",
    ],
)
def test_no_other_key_and_no_other_bucket(ann: GuardedEngine, path: str) -> None:
    with pytest.raises(NotInLake):
        ann.take_from_lake("may", path)
    with pytest.raises(NotInLake):
        ann.lake_entries("may", path)


def test_a_folder_is_no_file_and_a_bucket_that_is_not_there_is_said(ann: GuardedEngine) -> None:
    with pytest.raises(NotInLake):
        ann.take_from_lake("may", "sub")
    with pytest.raises(NotInLake):
        ann.lake_entries("none")


def test_a_server_that_is_gone_is_said_without_its_address(
    ann: GuardedEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(LakeError, match="The folder 'may' of the lake does not answer. Try again later"):
        ann.lake_entries("may")
    assert "Could not connect to the endpoint URL" in caplog.text, "the host reads why"
