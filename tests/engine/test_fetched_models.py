"""Models of an object store: fetched, watched, and used as long as the store does not answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from engine import Engine, Settings
from engine.cards.versions import set_default
from engine.errors import NotWritable
from engine.settings import BUNDLED_MODELS
from tests.pool import open_engine

MODEL = "diabetes-progression"


class Shelf:
    """A folder of models on an object store in memory."""

    def __init__(self, name: str) -> None:
        self.files: Any = fsspec.filesystem("memory")
        self.address = f"memory://{name}/models"

    def put(self, model_id: str, name: str, content: bytes) -> None:
        self.files.pipe(f"{self.address}/{model_id}/{name}", content)

    def put_key(self, key: str) -> None:
        """An object of any key, as object stores allow."""
        self.put("keys", "one", b"title: x")
        folder = self.address.removeprefix("memory:/")
        self.files.store[f"{folder}/{key}"] = self.files.store.pop(f"{folder}/keys/one")

    def put_model(self, model_id: str, source: str = MODEL) -> None:
        for path in (BUNDLED_MODELS / source).rglob("*"):
            if path.is_file():
                self.put(model_id, str(path.relative_to(BUNDLED_MODELS / source)), path.read_bytes())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    found = Shelf(tmp_path.name)
    found.put_model("remote")
    return found


def opened(tmp_path: Path, *models: object) -> Engine:
    return open_engine(Settings(home=tmp_path / "home", models=models, accelerator="cpu"))  # type: ignore[arg-type]


def test_a_model_of_a_store_predicts_and_is_watched(tmp_path: Path, shelf: Shelf) -> None:
    engine = opened(tmp_path, shelf.address)
    [entry] = engine.models()
    assert (entry.id, entry.error, entry.folder.is_relative_to(tmp_path / "home")) == ("remote", "", True)
    sources = engine.sample_sources("remote", engine.samples("remote")[0].title)
    report, lines = engine.predict_now("remote", sources)
    assert (report.n_good, len(lines)) == (30, 30)

    card = (BUNDLED_MODELS / MODEL / "card.yaml").read_bytes()
    shelf.put("remote", "card.yaml", card.replace(b"title: ", b"title: New ", 1))
    shelf.put_model("second")
    shelf.files.rm(f"{shelf.address}/remote/samples", recursive=True)
    engine._fetched.look()
    assert [each.id for each in engine.models()] == ["remote", "second"]
    assert engine.model("remote").usable_card().title.startswith("New ")
    assert not list(engine.model("remote").folder.glob("samples/*"))

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "home" / "fetched").rglob("*.ckpt")}
    engine._fetched.look()
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what has not changed is not fetched again"

    shelf.files.rm(f"{shelf.address}/remote", recursive=True)
    engine._fetched.look()
    assert [each.id for each in engine.models()] == ["second"]


def test_a_store_that_does_not_answer_is_a_sentence_and_hides_no_other(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = opened(tmp_path, "nothing-known://lab/own models", BUNDLED_MODELS, shelf.address)
    entries = {each.id: each for each in engine.models()}
    assert {"remote", MODEL} < set(entries)
    assert entries["own-models"].card is None
    assert "does not answer" in entries["own-models"].error
    assert "nothing-known://lab/own models" in caplog.text

    def gone(*arguments: object, **options: object) -> None:
        raise RuntimeError("no route to host")

    monkeypatch.setattr(type(shelf.files), "find", gone)
    engine._fetched.look()
    assert engine.model("remote").card is not None, "the copies are used as long"
    assert "no route to host" in caplog.text
    again = opened(tmp_path, shelf.address)
    assert [each.id for each in again.models()] == ["remote"], "by servers that start meanwhile, too"


def test_a_model_that_cannot_be_fetched_is_in_no_other_ones_way(
    tmp_path: Path, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put_model("broken")
    shelf.put_key("broken/model.ckpt/inside")  # a file and a folder of one name
    shelf.put("halfway", "model.ckpt", b"its card comes later")
    shelf.put(".hidden", "card.yaml", b"title: x")
    engine = opened(tmp_path, shelf.address)
    assert "remote" in [each.id for each in engine.models()]
    assert not {"halfway", ".hidden"} & {each.id for each in engine.models()}


def test_names_of_keys_lead_nowhere(tmp_path: Path, shelf: Shelf) -> None:
    for key in ("remote/../../../../escaped.txt", "remote/.fetched.json", "../escaped.txt", "a/b\\c"):
        shelf.put_key(key)
    engine = opened(tmp_path, shelf.address)
    assert [each.id for each in engine.models()] == ["remote"]
    assert not list(tmp_path.rglob("escaped.txt"))


def test_versions_of_a_copy_are_changed_where_it_comes_from(tmp_path: Path, shelf: Shelf) -> None:
    engine = opened(tmp_path, shelf.address)
    with pytest.raises(NotWritable, match="it is a copy of an object store's"):
        set_default(engine.model("remote").folder, "1")


def test_addresses_stand_among_folders() -> None:
    settings = Settings(models=os.pathsep.join(["/a", "s3://b/c", "/d", "gs://e"]))  # type: ignore[arg-type]
    assert settings.models == (Path("/a"), "s3://b/c", Path("/d"), "gs://e")
    assert list(settings.model_stores) == ["s3://b/c", "gs://e"]
    assert hash(settings)
