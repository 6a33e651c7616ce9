"""Worker processes: what they say, how they die, who notices."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Options, Run, Settings, Source
from engine.backends.process import WorkerProcess
from engine.errors import CardError, DiskFull, ReadError, UnknownModel, WorkerDied
from engine.settings import BUNDLED_MODELS
from engine.workers.messages import Answer, Failure, Said, WorkerFault, decode, encode
from tests.engine.trouble import write_rows, write_trouble
from tests.forking import place
from tests.pool import open_engine


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trouble(tmp_path_factory.mktemp("trouble"))


@pytest.fixture
def engine(tmp_path: Path, models: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(home=tmp_path / "home", models=(models, BUNDLED_MODELS), accelerator="cpu"))
    yield engine
    engine.close()


def started(engine: Engine, model_id: str, path: Path, **options: object) -> Run:
    run = engine.check(model_id, [Source(path.name, path)])
    return engine.submit(run.id, Options.model_validate(options))


@pytest.mark.parametrize(
    "reply",
    [
        Said(3, {"stage": "Decoding «ü» \ud800", "done": 1}),
        Answer(4, {"a": [1, None]}, b"\n\x00{}\n"),
        Failure(5, "ReadError", "line\nbreak"),
    ],
)
def test_what_is_said_comes_across(reply: Said | Answer | Failure) -> None:
    assert decode(encode(reply)) == reply


def test_errors_come_back_as_what_they_were() -> None:
    known = UnknownModel("a", ["b"])
    error = Failure.of(1, known).error()
    assert type(error) is UnknownModel
    assert str(error) == str(known)
    assert type(Failure.of(1, OSError(28, "No space left on device")).error()) is DiskFull
    unforeseen = Failure.of(1, ValueError("cell"), job="ingest")
    fault = unforeseen.error()
    assert isinstance(fault, WorkerFault)
    assert fault.incident == unforeseen.incident != ""
    assert type(Failure(1, "Path", "a name that is no error").error()) is WorkerFault


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    worker = WorkerProcess("w")
    settings = Settings(home=tmp_path, accelerator="cpu")
    with pytest.raises(CardError):
        worker.call("ingest", settings, folder=tmp_path, sources=[], renames={})
    first = worker.pid
    assert first is not None, "an error of a job ends no process"
    os.kill(first, signal.SIGKILL)
    while worker.pid is not None:
        time.sleep(0.01)
    with pytest.raises(CardError):
        worker.call("ingest", settings, folder=tmp_path, sources=[], renames={})
    assert worker.pid not in (first, None)
    assert worker.restarts == 1
    worker.close()
    assert worker.pid is None


def test_a_worker_ends_with_its_server(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom engine.backends.process import WorkerProcess\n"
        "worker = WorkerProcess('w'); worker.start(); print(worker.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_shard_whose_worker_died_is_done_again(engine: Engine, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 400, {250: 666})
    for mark in ("died", "died-once"):
        (models / "dying" / mark).unlink(missing_ok=True)
    (models / "dying" / "died-once").touch()
    ended = engine.wait(started(engine, "dying", path, batch_size=50).id)
    assert ended.state == "done", ended.error
    assert (models / "dying" / "died").exists(), "it did die"
    lines = engine.results(ended.id).page(0, 500)
    assert lines["row"].to_list() == list(range(1, 401))
    assert lines["y"].null_count() == 0


def test_a_row_that_kills_twice_fails_its_run_and_no_other(engine: Engine, models: Path, tmp_path: Path) -> None:
    (models / "dying" / "died-once").unlink(missing_ok=True)
    deadly = started(engine, "dying", write_rows(tmp_path / "deadly.csv", 40, {25: 666}), batch_size=10)
    harmless = started(engine, "slow", write_rows(tmp_path / "rows.csv", 100), batch_size=10)
    failed, done = engine.wait(deadly.id), engine.wait(harmless.id)
    assert failed.state == "failed"
    assert "ended 2 times (SIGSEGV" in failed.error
    assert re.search("rows (1|11|21) to 40", failed.error), "from where its last turn began"
    assert done.state == "done"
    assert engine.results(done.id).n_rows == 100


def test_damaged_pictures_cost_their_own_rows_and_no_process(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _asked(monkeypatch)
    run = engine.check("digits", [_pictures(tmp_path / "pictures.zip", damaged=range(3, 9))])
    assert (run.report.n_rows, run.report.n_good) == (12, 6)
    assert [problem.row for problem in run.report.problems if problem.row] == [4, 5, 6, 7, 8, 9]
    assert len(asked) == 1, "it is read once"


def test_files_whose_reader_died_are_read_again_with_more_care(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _asked(monkeypatch, deaths=1)
    assert engine.check("digits", [_pictures(tmp_path / "pictures.zip", damaged=[])]).report.n_good == 12
    assert [settings.careful_decoding for settings in asked] == [False, True]


def _asked(monkeypatch: pytest.MonkeyPatch, deaths: int = 0) -> list[Settings]:
    """The settings of each reading that workers are asked for from now on; so many of them die of it first."""
    call = WorkerProcess.call
    asked: list[Settings] = []

    def noted(self: WorkerProcess, name: str, settings: Settings, **arguments: Any) -> object:
        if name == "ingest":
            asked.append(settings)
            if len(asked) <= deaths:
                raise WorkerDied("SIGSEGV, a fault in native code")
        return call(self, name, settings, **arguments)

    monkeypatch.setattr(WorkerProcess, "call", noted)
    return asked


def _pictures(path: Path, damaged: Collection[int]) -> Source:
    """A zip of twelve pictures, some of them damaged."""
    samples = (BUNDLED_MODELS / "digits" / "samples").glob("*.zip")
    with zipfile.ZipFile(next(samples)) as archive:
        picture = next(archive.read(name) for name in archive.namelist() if name.endswith(".png"))
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12):
            archive.writestr(f"{number:02}.png", _ending(picture) if number in damaged else picture)
    return Source(path.name, path)


def _ending(picture: bytes) -> bytes:
    """The picture with pixels that stop early, all checksums right: torchvision's decoder dies of these."""
    start = picture.index(b"IDAT")
    length = int.from_bytes(picture[start - 4 : start])
    data = zlib.decompress(picture[start + 4 : start + 4 + length])
    packed = zlib.compress(data[: len(data) // 2])[:-6]
    chunk = b"IDAT" + packed
    return (
        picture[: start - 4]
        + len(packed).to_bytes(4)
        + chunk
        + zlib.crc32(chunk).to_bytes(4)
        + picture[start + 4 + length + 4 :]
    )


def test_a_file_that_ends_its_reader_twice_is_refused(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _asked(monkeypatch, deaths=2)
    with pytest.raises(ReadError, match=r"ended twice \(SIGSEGV"):
        engine.check("slow", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 3))])
    assert not list(engine.settings.runs_folder.iterdir())


def test_the_server_itself_loads_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from engine import Engine, Options, Settings, Source, compare, evaluation_of
from tests.forking import fork_workers
fork_workers()
engine = Engine(Settings(home=Path({str(tmp_path / "home")!r}), accelerator="cpu"))
sample = engine.sample_sources("digits", engine.samples("digits")[0].title)
run = engine.check("digits", sample)
engine.submit(run.id, Options(on_error="report"))
assert engine.wait(run.id).state == "done"
results = engine.results(run.id)
results.thumbnail(1)
engine.export(run.id, "csv")
engine.export(run.id, "xlsx")
evaluation = evaluation_of(results)
assert evaluation.figures().accuracy > 0.9 and evaluation.curve("3").auroc > 0.9
assert compare(results, results).agreement().share == 1
engine.close()
print([name for name in ("torch", "torchvision", "PIL", "pytorch_lightning") if name in sys.modules])
print([name for name in ("torchmetrics", "xlsxwriter") if name in sys.modules])
"""
    place()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["[]", "[]"], done.stderr
