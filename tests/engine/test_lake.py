"""The lake: what a host offers is found and taken; nothing outside it is, whatever is asked."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from engine import Caller, Engine, GuardedEngine, Settings
from engine.errors import LakeError, LoginNeeded, NotAllowed, NotInLake, UploadNotFound, UploadRefused
from tests.pool import open_engine

ANN = Caller("ann", name="Ann")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    (folder / "may" / "week 1").mkdir(parents=True)
    (folder / "may" / "rows.csv").write_text("a\n1\n")
    (folder / "may" / "week 1" / "![x](y) `<b>.csv").write_text("a\n2\n")
    (folder / ".hidden").write_text("x")
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "lake-too").mkdir()
    (tmp_path / "lake-too" / "secret.csv").write_text("secret")
    return folder


@pytest.fixture
def engine(tmp_path: Path, lake: Path) -> Engine:
    return open_engine(Settings(home=tmp_path / "home", lake=f"lab={lake};gone={tmp_path / 'gone'}"))  # type: ignore[arg-type]


@pytest.fixture
def ann(engine: Engine) -> GuardedEngine:
    return GuardedEngine(engine, ANN)


def test_a_visitor_looks_through_it_and_takes_a_file(ann: GuardedEngine) -> None:
    assert ann.lake_names() == ("lab", "gone")
    assert [(each.name, each.is_folder) for each in ann.lake_entries("lab")] == [("may", True)]
    week, rows = ann.lake_entries("lab", "may")
    assert (week.path, rows.path, rows.size) == ("may/week 1", "may/rows.csv", 4)
    [odd] = ann.lake_entries("lab", week.path)
    taken = ann.take_from_lake("lab", odd.path)
    assert (taken.name, taken.path.read_text()) == ("![x](y) `<b>.csv", "a\n2\n")
    assert ann.upload(taken.id) == taken, "from now on it is as any upload"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "..",
        "may/../../secret.csv",
        "../lake-too/secret.csv",
        "/etc/passwd",
        "//etc/passwd",
        "may//rows.csv",
        "./may/rows.csv",
        "may\\..\\..\\secret.csv",
        "may/rows.csv\0.txt",
        "may/rows.csv/",
        ".hidden",
        "%2e%2e/secret.csv",
        "..%2fsecret.csv",
        "may/%2e%2e/%2e%2e/secret.csv",
        "file:///etc/passwd",
        "x" * 5_000,
        "\ud800",
    ],
)
def test_nothing_outside_is_reached_by_a_path(ann: GuardedEngine, path: str) -> None:
    for ask in (ann.lake_entries, ann.take_from_lake):
        with pytest.raises(NotInLake):
            ask("lab", path)


def test_nothing_outside_is_reached_by_a_link(ann: GuardedEngine, lake: Path, tmp_path: Path) -> None:
    (lake / "may" / "out.csv").symlink_to(tmp_path / "secret.csv")
    (lake / "may" / "up").symlink_to(tmp_path)
    (lake / "may" / "too").symlink_to(tmp_path / "lake-too")
    (lake / "may" / "round").symlink_to(lake / "may" / "round")
    (lake / "may" / "same.csv").symlink_to("rows.csv")
    assert [each.name for each in ann.lake_entries("lab", "may")] == ["week 1", "rows.csv", "same.csv"]
    for path in ("may/out.csv", "may/up/secret.csv", "may/too/secret.csv", "may/round"):
        with pytest.raises(NotInLake):
            ann.take_from_lake("lab", path)
    assert ann.take_from_lake("lab", "may/same.csv").size == 4, "a link that stays inside is a name"


def test_a_pipe_is_no_file(ann: GuardedEngine, lake: Path) -> None:
    os.mkfifo(lake / "pipe")
    assert "pipe" not in [each.name for each in ann.lake_entries("lab")]
    with pytest.raises(NotInLake):
        ann.take_from_lake("lab", "pipe")


def test_other_folders_are_not_there(ann: GuardedEngine) -> None:
    for folder in ("gone", "none", "", "..", "lab/may"):
        with pytest.raises(NotInLake):
            ann.lake_entries(folder)


def test_only_those_who_may_bring_files_see_it(engine: Engine) -> None:
    with pytest.raises(LoginNeeded):
        GuardedEngine(engine, Caller("", "nobody")).lake_names()
    with pytest.raises(NotAllowed):
        GuardedEngine(engine, Caller("ann", scopes=frozenset({"read"}))).lake_entries("lab")


def test_the_limits_of_uploads_hold(tmp_path: Path, lake: Path) -> None:
    settings = Settings(home=tmp_path / "small", lake={"lab": str(lake)}, max_file_bytes=3)
    with pytest.raises(UploadRefused, match="too large"):
        GuardedEngine(open_engine(settings), ANN).take_from_lake("lab", "may/rows.csv")


def test_a_taken_file_is_the_takers_own(engine: Engine, ann: GuardedEngine) -> None:
    taken = ann.take_from_lake("lab", "may/rows.csv")
    with pytest.raises(UploadNotFound):
        GuardedEngine(engine, Caller("bob")).upload(taken.id)


def test_what_visitors_sent_is_in_no_folder(tmp_path: Path, lake: Path) -> None:
    engine = open_engine(Settings(home=lake / "home", lake={"all": str(tmp_path), "ours": str(lake / "home")}))
    ann = GuardedEngine(engine, ANN)
    taken = ann.take_from_lake("all", "lake/may/rows.csv")
    assert taken.path.is_relative_to(lake / "home")
    assert "home" not in [each.name for each in ann.lake_entries("all", "lake")]
    for folder, path in (("all", str(taken.path.relative_to(tmp_path))), ("ours", "uploads")):
        with pytest.raises(NotInLake):
            ann.take_from_lake(folder, path)
        with pytest.raises(NotInLake):
            ann.lake_entries(folder, path)


@pytest.mark.parametrize("address", ["nothing-known://bucket/x", "s3://", "s3:///x"])
def test_a_store_that_cannot_be_used_is_said_without_its_address(
    tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    ann = GuardedEngine(open_engine(Settings(home=tmp_path, lake={"may": address})), ANN)
    with pytest.raises(LakeError, match="The folder 'may' of the lake does not answer"):
        ann.lake_entries("may")
    assert address in caplog.text, "the host reads which one"


def test_a_folder_of_a_store_is_as_one_here(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    for path in ("may/rows.csv", "may/week/more.csv", "may/week/.hidden", "mayor/secret.csv", "secret.csv"):
        files.pipe(f"/{tmp_path.name}/{path}", b"a\n1\n")
    lake = {"may": f"memory://{tmp_path.name}/may", "none": f"memory://{tmp_path.name}/none"}
    ann = GuardedEngine(open_engine(Settings(home=tmp_path, lake=lake)), ANN)
    assert [(each.path, each.is_folder, each.size) for each in ann.lake_entries("may")] == [
        ("week", True, 0),
        ("rows.csv", False, 4),
    ]
    assert [each.path for each in ann.lake_entries("may", "week")] == ["week/more.csv"]
    assert ann.take_from_lake("may", "week/more.csv").path.read_bytes() == b"a\n1\n"
    for path in ("../secret.csv", "../mayor/secret.csv", "..", "or/secret.csv", "week", "week/.hidden", "none.csv"):
        with pytest.raises(NotInLake):
            ann.take_from_lake("may", path)
    for folder, path in (("none", ""), ("may", "rows.csv"), ("may", "..")):
        with pytest.raises(NotInLake):
            ann.lake_entries(folder, path)


@pytest.mark.parametrize("value", ["lab", "=x", "lab=", "a/b=/x"])
def test_a_setting_that_names_nothing_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="expected name=/folder"):
        Settings(lake=value)  # type: ignore[arg-type]


def test_what_visitors_predicted_is_in_no_folder(tmp_path: Path) -> None:
    files, own = fsspec.filesystem("memory"), f"memory://{tmp_path.name}"
    for path in ("runs/x/input.csv", "runs-of-june/rows.csv"):
        files.pipe(f"/{tmp_path.name}/{path}", b"a\n1\n")
    settings = Settings(home=tmp_path, lake={"all": own, "runs": f"{own}/runs/x"}, storage=f"{own}/runs/")
    ann = GuardedEngine(open_engine(settings), ANN)
    assert [each.name for each in ann.lake_entries("all")] == ["runs-of-june"]
    assert ann.take_from_lake("all", "runs-of-june/rows.csv").size == 4
    for folder, path in (("all", "runs/x/input.csv"), ("runs", "input.csv")):
        with pytest.raises(NotInLake):
            ann.take_from_lake(folder, path)
    for folder, path in (("all", "runs"), ("all", "runs/x"), ("runs", "")):
        with pytest.raises(NotInLake):
            ann.lake_entries(folder, path)


def test_settings_with_a_lake_can_be_hashed_and_shown() -> None:
    settings = Settings(lake="lab=/srv/lab; s3 = s3://key:secret@x/y")  # type: ignore[arg-type]
    assert hash(settings)
    assert settings.lake_folders["lab"] == "/srv/lab"
    assert "secret" not in str(settings.in_force())
