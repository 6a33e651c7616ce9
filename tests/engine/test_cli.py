"""The command line, as a person runs it: output, exit codes, and the bytes of its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Options, Settings, Source
from engine.demos.train import RECIPES
from engine.settings import BUNDLED_MODELS
from tests.forking import place
from tests.pool import open_engine

SAMPLES = BUNDLED_MODELS / "diabetes-progression" / "samples"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run(home: Path, *arguments: object, forked: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command; `forked`: its workers need not load torch, which all but one can do without."""
    place()
    environment = {**os.environ, "FORELIGHT_HOME": str(home), "FORELIGHT_ACCELERATOR": "cpu", **variables}
    command = [sys.executable, "-m", *(["tests.forked"] if forked else []), "engine", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_models(home: Path) -> None:
    found = json.loads(run(home, "models", "--json").stdout)
    assert [model["id"] for model in found] == sorted(RECIPES)
    assert "Diabetes progression" in run(home, "models").stdout


def test_check_is_clean_or_says_everything(home: Path) -> None:
    assert run(home, "check", "diabetes-progression", SAMPLES / "patients.csv").returncode == 0
    found = run(home, "check", "diabetes-progression", SAMPLES / "patients-with-mistakes.csv", "--json")
    assert found.returncode == 2
    assert json.loads(found.stdout)["problems"][0]["rename"] == ["S6 ", "s6"]
    assert not list((home / "runs").iterdir()), "a check leaves nothing"


def test_predict_writes_what_the_dashboard_gives(home: Path, tmp_path: Path) -> None:
    source = SAMPLES / "patients-with-outcome.csv"
    engine = open_engine(Settings(home=tmp_path / "other", accelerator="cpu"))
    prepared = engine.check("diabetes-progression", [Source(source.name, source)], keep_files=True)
    engine.submit(prepared.id, Options())
    engine.wait(prepared.id)
    for suffix in ("csv", "parquet", "jsonl"):
        output = tmp_path / f"out.{suffix}"
        done = run(home, "predict", "diabetes-progression", source, "--output", output)
        assert done.returncode == 0, done.stderr
        assert "89 rows" in done.stderr
        assert output.read_bytes() == engine.export(prepared.id, suffix).read_bytes()
    assert json.loads(run(home, "runs", "--json").stdout)[0]["state"] == "done"
    _, _, trail = open_engine(Settings(home=home)).access()
    assert {(entry.visitor_name, entry.action) for entry in trail.entries()} == {("the command line", "ran")}


def test_refused_and_reported(home: Path, tmp_path: Path) -> None:
    text = (SAMPLES / "patients-with-mistakes.csv").read_text().replace("S6 ", "s6")
    (tmp_path / "rows.csv").write_text(text)
    refused = run(home, "predict", "diabetes-progression", tmp_path / "rows.csv", "-o", tmp_path / "out.csv")
    assert refused.returncode == 2
    assert "Refused" in refused.stderr
    assert not (tmp_path / "out.csv").exists()
    done = run(
        home,
        "predict",
        "diabetes-progression",
        tmp_path / "rows.csv",
        "-o",
        tmp_path / "out.csv",
        "--on-error",
        "report",
    )
    assert done.returncode == 0
    assert "12 rows, 4 of them reported as failed" in done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 13


def test_failures_are_sentences(home: Path, tmp_path: Path) -> None:
    unknown = run(home, "check", "diabetis-progression", SAMPLES / "patients.csv")
    assert unknown.returncode == 1
    assert "Did you mean 'diabetes-progression'?" in unknown.stderr
    (tmp_path / "rows.docx").touch()
    assert (
        "cannot be read. This model takes tables (CSV, Excel,"
        in run(home, "check", "digits-x", tmp_path / "rows.docx").stderr
        + run(home, "check", "diabetes-progression", tmp_path / "rows.docx").stderr
    )
    assert "Traceback" not in unknown.stderr


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, engine.cli; print([name for name in ('torch', 'streamlit', 'plotly') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_predicting_needs_no_streamlit_and_takes_all_devices_there_are(home: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "streamlit.py").write_text("raise ImportError('streamlit is not installed')\n")
    source, output = SAMPLES / "patients.csv", tmp_path / "out.csv"
    variables = {"PYTHONPATH": str(hidden), "FORELIGHT_DEVICES": "all", "FORELIGHT_ACCELERATOR": "auto"}
    done = run(home, "predict", "diabetes-progression", source, "--output", output, forked=False, **variables)
    assert done.returncode == 0, done.stderr
    assert "could not be counted" not in done.stderr
    assert len(output.read_text().splitlines()) == len(source.read_text().splitlines())
