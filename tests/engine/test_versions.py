"""Versions of a model: listed, one the default, rolled back while runs go on, each run true to its own."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from engine import Engine, Options, Run, Settings, Source, repeat
from engine.cards.card import file_hash
from engine.cards.versions import Version, add_version, read_versions, set_default
from engine.cli import app
from engine.errors import CardError, ModelChanged, NotWritable, UnknownVersion
from engine.models.registry import ModelRegistry
from engine.runs.folder import RunFolder
from tests.engine.trouble import write_rows
from tests.engine.versioned import shifted, write_versioned
from tests.pool import open_engine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_versioned(tmp_path_factory.mktemp("made") / "price")


@pytest.fixture
def folder(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "models" / "price"))


@pytest.fixture
def engine(tmp_path: Path, folder: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=tmp_path / "home", models=(folder.parent,), accelerator="cpu"))
    yield engine
    engine.close()


@pytest.fixture
def rows(tmp_path: Path) -> Source:
    return Source("rows.csv", write_rows(tmp_path / "rows.csv", 4))


def predicted(engine: Engine, run: Run) -> list[float]:
    if run.state == "checked":
        engine.submit(run.id)
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    found: list[float] = engine.results(run.id).page(0, 4)["y"].to_list()
    return found


def until(engine: Engine, run_id: str, true: Callable[[Run], bool]) -> Run:
    deadline = time.monotonic() + 60
    while not true(run := engine.run(run_id)):
        assert time.monotonic() < deadline, run
        time.sleep(0.02)
    return run


def test_the_cards_own_checkpoint_is_the_first_version(engine: Engine, folder: Path) -> None:
    entry = engine.model("price")
    assert [version.name for version in entry.versions] == ["1", "2"]
    assert (entry.version, entry.default, entry.is_default) == ("1", "1", True)
    assert entry.text == (folder / "card.yaml").read_bytes(), "as before there were versions"
    second = engine.model("price", "2")
    assert second.usable_card().checkpoint == "second.ckpt"
    assert [figure.value for figure in second.usable_card().figures] == [1.5]
    assert second.usable_card().signature == entry.usable_card().signature
    with pytest.raises(UnknownVersion, match=r"no version '3'. It has 1, 2\."):
        engine.model("price", "3")


def test_what_a_version_says_stands_in_its_card(folder: Path) -> None:
    content = yaml.safe_load((folder / "versions.yaml").read_text())
    more = {"hyper_parameters": {"depth": 3}, "trained": {"b": [0, 1, 2, 3, 4]}, "module": "other:Model"}
    content["versions"][0] |= more
    (folder / "versions.yaml").write_text(yaml.safe_dump(content))
    card = ModelRegistry([folder.parent]).entry("price", "2").usable_card()
    assert (card.hyper_parameters, card.module) == ({"depth": 3}, "other:Model")
    assert card.column("b").trained == (0, 1, 2, 3, 4)
    assert card.column("a").trained is None


def test_a_roll_back_changes_what_comes_next_and_nothing_else(engine: Engine, folder: Path, rows: Source) -> None:
    card = (folder / "card.yaml").read_bytes()
    before = engine.check("price", [rows])
    assert engine.set_default("price", "2") == "1"
    after = engine.check("price", [rows])
    assert (before.version, after.version) == ("1", "2")
    first, second = predicted(engine, before), predicted(engine, after)
    assert second == pytest.approx([value + 1 for value in first], rel=1e-4)
    assert engine.answered(engine.check("price", [rows], version="1").id, Options()) == engine.run(before.id)
    assert engine.set_default("price", "1") == "2"
    assert engine.model("price").version == "1"
    assert predicted(engine, engine.again(after.id)) == first
    assert predicted(engine, engine.again(before.id, version="2")) == second
    assert (folder / "card.yaml").read_bytes() == card, "the host's own words are never rewritten"
    assert engine.results(after.id).card.checkpoint == "second.ckpt"
    lines = [engine.predict_now("price", [rows], version=version)[1]["y"].to_list() for version in ("", "1", "2")]
    assert lines == [first, first, second]
    assert engine.facts("price", "2").parameters == 5


def test_a_run_goes_on_with_its_version_when_the_default_is_another(engine: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "many.csv", 5_000)
    run = engine.check("price", [Source(path.name, path)])
    engine.submit(run.id, Options(batch_size=50))
    until(engine, run.id, lambda run: run.rows_done > 0)
    engine.set_default("price", "2")
    engine.cancel(run.id)
    stopped = engine.wait(run.id, 20)
    assert (stopped.state, stopped.version) == ("cancelled", "1")
    engine.resume(run.id)
    assert engine.wait(run.id).state == "done"
    whole = engine.results(run.id)
    assert len(list((stopped.folder / "shards").iterdir())) > 1, "half of it came after the roll-back"
    again = engine.again(run.id, version="1")
    engine.submit(again.id)
    engine.wait(again.id)
    assert whole.page(0, 5_000).equals(engine.results(again.id).page(0, 5_000))


def test_another_checkpoint_of_the_same_version_is_another_model(engine: Engine, folder: Path, rows: Source) -> None:
    run = engine.check("price", [rows], version="2")
    content = (folder / "versions.yaml").read_text().replace(file_hash(folder / "second.ckpt"), "''")
    shifted(folder / "model.ckpt", folder / "second.ckpt", 5.0)
    (folder / "versions.yaml").write_text(content)
    engine.submit(run.id)
    ended = engine.wait(run.id)
    assert ended.state == "failed"
    assert str(ModelChanged("price")) in ended.error


def test_how_it_is_repeated_names_the_version(engine: Engine, rows: Source) -> None:
    first, second = engine.check("price", [rows]), engine.check("price", [rows], version="2")
    assert "version" not in repeat(first).command + repeat(first).python
    assert "--version 2" in repeat(second).command
    assert "version='2'" in repeat(second).python
    assert json.loads((second.folder / "run.json").read_text())["version"] == "2"


def test_a_run_from_before_there_were_versions_is_of_the_first(engine: Engine, rows: Source) -> None:
    run = engine.check("price", [rows])
    content = json.loads((run.folder / "run.json").read_text())
    del content["version"]
    (run.folder / "run.json").write_text(json.dumps(content))
    assert RunFolder(run.folder).record().version == "1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("default: 3", "default: there is no version '3'; there are 1"),
        ("versions: [{name: 1, checkpoint: a.ckpt}]", "version '1' stands there twice"),
        ("versions: [{name: 2, chekpoint: a.ckpt}]", "versions.0.chekpoint: Extra inputs"),
        ("versions: [{name: ../2, checkpoint: a.ckpt}]", "versions.0.name: String should match"),
        ("versions: [", "cannot be read as YAML"),
        ("3", "versions.yaml: Input should be"),
        ("{default: 2, versions: [{name: 2, checkpoint: gone.ckpt}]}", "'gone.ckpt' is not in the model's folder"),
        ("{default: 2, versions: [{name: 2, checkpoint: ../../x.ckpt}]}", "is not in the model's folder"),
    ],
)
def test_a_list_that_cannot_be_used_is_said(folder: Path, text: str, words: str) -> None:
    (folder / "versions.yaml").write_text(text)
    [entry] = ModelRegistry([folder.parent]).entries()
    assert words in entry.error


def test_a_version_that_is_broken_harms_no_other(engine: Engine, folder: Path) -> None:
    (folder / "second.ckpt").unlink()
    assert engine.model("price").card is not None
    assert "'second.ckpt' is not in the model's folder" in engine.model("price", "2").error
    with pytest.raises(CardError, match="cannot be used"):
        engine.set_default("price", "2")


def test_many_at_once_each_find_a_place(folder: Path) -> None:
    registry = ModelRegistry([folder.parent])
    seen = [registry.entry("price").version]

    def add(number: int) -> None:
        add_version(folder, lambda name: Version(name=name, checkpoint="second.ckpt", note=str(number)))
        set_default(folder, "2")
        seen.append(registry.entry("price").version)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(8)))
    names = [version.name for version in read_versions(folder).versions]
    assert names == [str(number) for number in range(2, 11)]
    assert set(seen) == {"1", "2"}
    assert registry.entry("price").version == "2"
    assert not list(folder.glob(".versions.yaml.*")), "nothing is left behind"
    with pytest.raises(CardError, match="has a version '2' already"):
        add_version(folder, lambda name: Version(name=name, checkpoint="second.ckpt"), "2")


def test_a_folder_that_may_not_be_written_says_so(folder: Path) -> None:
    (folder / ".versions.lock").mkdir()
    with pytest.raises(NotWritable, match="The folder of the model 'price' cannot be written to here"):
        set_default(folder, "2")


def test_on_the_command_line(
    tmp_path: Path, folder: Path, rows: Source, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORELIGHT_MODELS", str(folder.parent))
    monkeypatch.setattr("engine.cli.session.Engine", open_engine)

    def command(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    listed = json.loads(command("versions", "list", "price", "--json").stdout)
    assert [(each["name"], each["default"], each["figures"][0]["value"]) for each in listed] == [
        ("1", True, 2.5),
        ("2", False, 1.5),
    ]
    out = [str(tmp_path / f"{number}.csv") for number in range(3)]
    assert command("predict", "price", str(rows.path), "-o", out[0]).exit_code == 0
    assert command("predict", "price", str(rows.path), "-o", out[1], "--version", "2").exit_code == 0
    assert "is version 2 now; it was 1" in command("versions", "default", "price", "2").output
    assert command("predict", "price", str(rows.path), "-o", out[2]).exit_code == 0
    read = [Path(path).read_bytes() for path in out]
    assert read[0] != read[1] == read[2]
    assert "RMSE 1.5" in command("versions", "list", "price").stdout
    wrong = command("versions", "default", "price", "7")
    assert (wrong.exit_code, "It has 1, 2." in wrong.output) == (1, True)
    [run, *_] = engine.runs()
    assert command("report", run.id, "-o", str(tmp_path / "report.html")).exit_code == 0
    _, _, trail = engine.access()
    [newest] = trail.entries(limit=1)
    assert (newest.action, newest.run_id, newest.detail.partition(",")[0]) == ("downloaded", run.id, "report")
    (folder / "model.ckpt").write_bytes(b"no checkpoint")
    broken = command("versions", "default", "price", "1")
    assert (broken.exit_code, "model.ckpt is not a checkpoint" in broken.output) == (1, True)
    assert engine.model("price").version == "2", "what does not load becomes nobody's default"
    assert command("versions", "default", "price", "1", "--no-load").exit_code == 0
    assert engine.model("price").version == "1"
