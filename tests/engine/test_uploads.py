"""Uploads: whole or not at all, each seen by its visitor only, never more than may come."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine import Engine
from engine.errors import DiskFull, ReadError, UploadNotFound, UploadRefused
from engine.settings import BUNDLED_MODELS, Settings
from engine.uploads import Upload, Uploads

BLOCK = 4_096
ANN, BEN = "ann" * 8, "ben" * 8
ROOT = Path(__file__).parents[2]


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", 10 * BLOCK, 15 * BLOCK, 20 * BLOCK)


def send(uploads: Uploads, content: bytes = b"abc", name: str = "a.csv", visitor: str = ANN) -> Upload:
    with uploads.begin(visitor, name, len(content)) as receiving:
        receiving.write(content)
        return receiving.finish()


def files(uploads: Uploads) -> list[Path]:
    """Everything that lies there, but for the sign that a server lives."""
    return [path for path in uploads.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@given(pieces=some.lists(some.binary(max_size=50)), told=some.booleans())
def test_any_pieces_make_the_file(pieces: list[bytes], told: bool) -> None:
    content = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder), 10**9, 10**9, 10**9)
        with uploads.begin(ANN, "a.csv", len(content) if told else None) as receiving:
            for piece in pieces:
                receiving.write(piece)
            found = receiving.finish()
        assert found.path.read_bytes() == content
        assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert uploads.get(ANN, found.id) == found
        assert Uploads(Path(folder), 1, 1, 1).get(ANN, found.id) == found
        uploads.close()


@given(pieces=some.lists(some.binary(max_size=50), max_size=5), error=some.sampled_from([OSError, KeyboardInterrupt]))
def test_broken_off_anywhere_leaves_nothing(pieces: list[bytes], error: type[BaseException]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder), BLOCK, BLOCK, BLOCK)

        def break_off() -> None:
            with uploads.begin(ANN, "a.csv") as receiving:
                for piece in pieces:
                    receiving.write(piece)
                raise error

        with pytest.raises(error):
            break_off()
        assert files(uploads) == []
        send(uploads, b"x" * BLOCK)
        uploads.close()


@given(name=some.text(some.characters(codec=None), max_size=2_000))
def test_no_name_is_ever_a_path(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder), 10**9, 10**9, 10**9)
        found = send(uploads, name=name)
        assert found.path.parent.parent == Path(folder)
        assert {path.name for path in files(uploads)} == {found.id, f"{found.id}.json"}
        assert uploads.get(ANN, found.id).name == found.name
        assert 0 < len(found.name) <= 1_000
        assert found.name.isprintable() or not any(sign < " " for sign in found.name)
        uploads.close()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x.csv", "a/b/c.png", "x.json", "naïve 名.csv"]
)
def test_names_are_kept_as_they_are(uploads: Uploads, name: str) -> None:
    assert uploads.get(ANN, send(uploads, name=name).id).name == name


def test_a_long_name_keeps_its_suffix(uploads: Uploads) -> None:
    assert send(uploads, name="x" * 5_000 + ".csv").name.endswith("x.csv")


def test_another_visitors_upload_is_not_found(uploads: Uploads) -> None:
    found = send(uploads)
    for other in (BEN, ""):
        with pytest.raises(UploadNotFound, match="Bring it again"):
            uploads.get(other, found.id)
        with pytest.raises(UploadNotFound):
            uploads.delete(other, found.id)
    assert uploads.get(ANN, found.id) == found


@pytest.mark.parametrize("upload_id", ["", "a" * 26, "..", "../" * 3 + "etc/passwd", "A" * 26, "a" * 25 + "\n"])
def test_what_is_not_there_is_not_found(uploads: Uploads, upload_id: str) -> None:
    send(uploads)
    with pytest.raises(UploadNotFound):
        uploads.get(ANN, upload_id)
    with pytest.raises(UploadNotFound):
        uploads.delete(ANN, upload_id)


def test_a_file_that_was_cut_later_is_not_taken_for_whole(uploads: Uploads) -> None:
    found = send(uploads, b"whole")
    os.truncate(found.path, 2)
    with pytest.raises(UploadNotFound):
        uploads.get(ANN, found.id)


@pytest.mark.parametrize(
    ("already", "size", "refusal"),
    [
        ({}, 10 * BLOCK, ""),
        ({}, 10 * BLOCK + 1, "one file may have 0.041 MB"),
        ({ANN: [5 * BLOCK]}, 10 * BLOCK, ""),
        ({ANN: [5 * BLOCK + 1]}, 10 * BLOCK, "All your files together may have 0.0614 MB"),
        ({ANN: [BLOCK] * 6}, 9 * BLOCK, ""),
        ({ANN: [1] * 6}, 9 * BLOCK + 1, "All your files together"),
        ({BEN: [10 * BLOCK]}, 10 * BLOCK, ""),
        ({BEN: [10 * BLOCK, 1]}, 10 * BLOCK, "of all visitors"),
        ({BEN: [10 * BLOCK, 1]}, 9 * BLOCK, ""),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_limits_at_and_one_above(
    uploads: Uploads, already: dict[str, list[int]], size: int, refusal: str, told: bool
) -> None:
    for visitor, sizes in already.items():
        for each in sizes:
            send(uploads, b"x" * each, visitor=visitor)
    before = len(files(uploads))

    def one_more() -> None:
        with uploads.begin(ANN, "a.csv", size if told else None) as receiving:
            for start in range(0, size, 1_000):
                receiving.write(b"x" * min(1_000, size - start))
            receiving.finish()

    if not refusal:
        one_more()
        return
    with pytest.raises(UploadRefused, match=refusal):
        one_more()
    assert len(files(uploads)) == before


def test_what_is_on_its_way_counts(uploads: Uploads) -> None:
    with uploads.begin(ANN, "a.csv", 10 * BLOCK):
        with pytest.raises(UploadRefused):
            uploads.begin(ANN, "b.csv", 5 * BLOCK + 1)
        uploads.sweep()
        with pytest.raises(UploadRefused):
            uploads.check(ANN, 5 * BLOCK + 1)
    uploads.check(ANN, 10 * BLOCK)


def test_deleted_files_count_no_more(uploads: Uploads) -> None:
    for _ in range(5):
        uploads.delete(ANN, send(uploads, b"x" * 10 * BLOCK).id)
    assert files(uploads) == []


def test_files_of_an_earlier_server_count(uploads: Uploads) -> None:
    send(uploads, b"x" * 10 * BLOCK)
    with pytest.raises(UploadRefused):
        send(Uploads(uploads.folder, 10 * BLOCK, 15 * BLOCK, 20 * BLOCK), b"x" * 6 * BLOCK)


@pytest.mark.parametrize(("size", "words"), [(2, "more came than the 2 bytes"), (4, "3 of 4 bytes came")])
def test_a_size_is_held_to(uploads: Uploads, size: int, words: str) -> None:
    def three_bytes() -> None:
        with uploads.begin(ANN, "a.csv", size) as receiving:
            receiving.write(b"abc")
            receiving.finish()

    with pytest.raises(UploadRefused, match=words):
        three_bytes()
    assert files(uploads) == []


def test_more_than_the_disk_has_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="disk is full"):
        Uploads(tmp_path, 2**62, 2**62, 2**62).begin(ANN, "a.csv", 2**61)


def test_a_disk_that_fills_up_leaves_nothing(uploads: Uploads) -> None:
    """The system stops a file that grows too large, as it does one on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def too_much() -> None:
        with uploads.begin(ANN, "a.csv") as receiving:
            receiving.write(b"x" * (BLOCK + 1))

    resource.setrlimit(resource.RLIMIT_FSIZE, (BLOCK, hard))
    try:
        with pytest.raises(DiskFull):
            too_much()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(uploads) == []
    uploads.check(ANN, 10 * BLOCK)


def test_what_a_killed_server_left_is_swept_and_what_a_living_one_takes_is_not(uploads: Uploads) -> None:
    code = f"""
import os, signal
from pathlib import Path
from engine.uploads import Uploads
uploads = Uploads(Path({str(uploads.folder)!r}), 10**6, 10**6, 10**6)
uploads.begin({ANN!r}, "a.csv").write(b"half")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode < 0
    assert [path.read_bytes() for path in files(uploads)] == [b"half"]
    with uploads.begin(ANN, "b.csv") as receiving:
        receiving.write(b"living")
        other = Uploads(uploads.folder, 10**6, 10**6, 10**6)
        assert other.sweep() == 1
        assert [path.read_bytes() for path in files(uploads)] == [b"living"]
        found = receiving.finish()
    assert uploads.get(ANN, found.id).path.read_bytes() == b"living"


def test_unused_files_are_swept_after_a_while(uploads: Uploads) -> None:
    old, new = send(uploads, name="old.csv"), send(uploads, name="new.csv")
    for path in (old.path, old.path.with_suffix(".json")):
        os.utime(path, (time.time() - 100, time.time() - 100))
    assert uploads.sweep(50) == 1
    with pytest.raises(UploadNotFound):
        uploads.get(ANN, old.id)
    assert uploads.get(ANN, new.id) == new


def test_closing_leaves_whole_files_alone(uploads: Uploads) -> None:
    found = send(uploads)
    uploads.begin(ANN, "b.csv").write(b"half")
    uploads.close()
    assert sorted(path.name for path in uploads.folder.iterdir()) == [found.path.parent.name]


def test_the_disk_holds_no_visitors_secret(uploads: Uploads) -> None:
    found = send(uploads)
    assert ANN not in str(found.path)
    assert json.loads(found.path.with_suffix(".json").read_bytes()).keys() == {"name", "size", "sha256"}


@pytest.fixture
def patients() -> bytes:
    return (BUNDLED_MODELS / "diabetes-progression" / "samples" / "patients.csv").read_bytes()


def test_a_run_takes_no_second_copy_and_keeps_the_file(engine: Engine, patients: bytes) -> None:
    found = send(engine.uploads, patients, "patients.csv")
    run = engine.check("diabetes-progression", [found.source()], keep_files=True)
    (kept,) = (run.folder / "upload").iterdir()
    assert kept.samefile(found.path)
    assert run.source_sha256 == (hashlib.sha256(patients).hexdigest(),)

    engine.uploads.delete(ANN, found.id)
    again = engine.again(run.id)
    engine.delete(run.id)
    assert next((again.folder / "upload").iterdir()).read_bytes() == patients


def test_a_file_of_somebody_elses_is_copied(engine: Engine, tmp_path: Path, patients: bytes) -> None:
    path = tmp_path / "patients.csv"
    path.write_bytes(patients)
    source = send(engine.uploads, patients).source()
    theirs = type(source)("patients.csv", path)
    run = engine.check("diabetes-progression", [theirs], keep_files=True)
    assert not next((run.folder / "upload").iterdir()).samefile(path)


def test_a_file_that_is_gone_is_a_sentence(engine: Engine, patients: bytes) -> None:
    found = send(engine.uploads, patients, "patients.csv")
    engine.uploads.delete(ANN, found.id)
    with pytest.raises(ReadError, match="patients.csv is no longer there"):
        engine.check("diabetes-progression", [found.source()], keep_files=True)


@pytest.mark.parametrize("sweep", [Engine.serve, Engine.sweep])
def test_the_engine_sweeps(engine: Engine, sweep: Callable[[Engine], object]) -> None:
    found = send(engine.uploads)
    os.utime(found.path, (0, 0))
    sweep(engine)
    assert not found.path.exists()


def test_the_engines_limits_are_the_hosts(tmp_path: Path) -> None:
    with pytest.raises(UploadRefused):
        Uploads.of(Settings(home=tmp_path, max_file_bytes=10)).check(ANN, 11)
