"""What is logged: lines of text or JSON with ids, traces without the words of errors, nothing that others put in."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.observability.incidents import report_incident
from engine.observability.logs import trace
from engine.settings import Settings

ROOT = Path(__file__).parents[2]
RUN = "a" * 26
SAID = f"""
import asyncio, logging, sys, threading, warnings
from engine.observability.incidents import report_incident
from engine.observability.logs import set_up_logs
from engine.settings import Settings

set_up_logs(Settings(), "device-7")
ours, theirs = logging.getLogger("forelight.runs"), logging.getLogger("somebody.else")
ours.info("a run ended", extra={{"run": "{RUN}", "model": "churn", "rows": 3}})
theirs.warning("cannot read %s, line %d", "CELL.csv", 7, extra={{"about": "CELL"}})
theirs.warning("Task exception was never retrieved\\nfuture: ValueError('CELL')")
theirs.warning(ValueError("CELL"))
theirs.info("not of interest")
warnings.warn("column CELL", UserWarning)
try:
    try:
        int("CELL")
    except ValueError as error:
        raise KeyError("CELL") from error
except KeyError as error:
    number = report_incident(ours, error, run="{RUN}", job="ingest")
    report_incident(ours, error, run="CELL.csv")
    theirs.exception("caught")
thread = threading.Thread(target=lambda: int("CELL"))
thread.start()
thread.join()
int("CELL")
"""


def said(**settings: str) -> list[str]:
    """The lines that a process logs which meets with everything."""
    own = {f"FORELIGHT_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-c", SAID], cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, "the last error ends it"
    return done.stderr.splitlines()


def test_json_holds_ids_and_no_words_of_errors() -> None:
    lines = [json.loads(line) for line in said(log="json")]
    first, *_ = lines
    assert first["message"] == "a run ended"
    assert (first["level"], first["process"], first["logger"]) == ("INFO", "device-7", "forelight.runs")
    assert (first["run"], first["model"], first["rows"]) == (RUN, "churn", 3)
    incidents = [line for line in lines if "incident" in line]
    assert [line.get("run") for line in incidents] == [RUN, None]
    assert len(incidents[0]["incident"]) == 6
    assert incidents[0]["trace"].endswith("builtins.KeyError")
    assert "builtins.ValueError\nled to" in incidents[0]["trace"]
    assert [line["message"] for line in lines].count("ended by an error") == 2
    assert not [line for line in lines if "CELL" in json.dumps({**line, "trace": ""})]
    traces = "".join(line.get("trace", "") for line in lines)
    code = traces.replace('int("CELL")', "").replace('KeyError("CELL")', "")  # Python 3.13 shows lines of `-c` too
    assert "CELL" not in code


def test_text_is_for_reading_and_as_discreet() -> None:
    text = "\n".join(said(log="text"))
    assert f"forelight.runs: a run ended [run={RUN} model=churn rows=3]" in text
    assert "cannot read …, line 7" in text
    assert "UserWarning at " in text
    assert "not of interest" not in text
    assert "CELL" not in text.replace('int("CELL")', "").replace('KeyError("CELL")', "")


def test_the_words_of_errors_where_the_host_wants_them() -> None:
    assert "KeyError: 'CELL'" in "\n".join(said(log_messages="1"))


def test_a_trace_that_goes_in_circles_ends() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert trace(first) == "builtins.KeyError\nled to\nbuiltins.ValueError"


def test_an_incident_keeps_the_number_that_a_worker_gave_it(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("x")
    error.incident = "ABC123"  # type: ignore[attr-defined]
    assert report_incident(logging.getLogger("forelight.test"), error) == "ABC123"
    assert caplog.records[0].incident == "ABC123"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("postgresql://ann:hush@db.example/x", "postgresql://ann:…@db.example/x"),
        ("postgresql://db/x?user=ann&password=hush&sslmode=require", "postgresql://db/x?user=ann&password=…&sslmode=require"),
        ("postgresql://ann:hu:s/h@db/x?sslpassword=hush", "postgresql://ann:…@db/x?sslpassword=…"),
    ],
)  # fmt: skip
def test_settings_in_force_keep_secrets(url: str, shown: str, tmp_path: Path) -> None:
    found = {each.name: each for each in Settings(home=tmp_path, database_url=url).in_force()}
    assert found["FORELIGHT_DATABASE_URL"].value == shown
    assert found["FORELIGHT_HOME"].changed
    assert not found["FORELIGHT_READERS"].changed
    assert set(found) == {f"FORELIGHT_{name.upper()}" for name in Settings.model_fields}
