"""What a model's page shows to programs is run as it stands, for every model, against the real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.components.snippets import curl_snippet, python_snippet
from engine import Engine, Settings
from engine.settings import BUNDLED_MODELS

MODELS = ("breast-cancer", "cifar10", "diabetes-progression", "digits", "lorenz-state", "notes")


@pytest.mark.parametrize("model_id", MODELS)
def test_what_is_shown_runs(server: str, tmp_path: Path, model_id: str) -> None:
    engine = Engine(Settings(home=tmp_path / "home", models=(BUNDLED_MODELS,)))
    entry = engine.model(model_id)
    card = entry.usable_card()
    for name in ("pictures.zip", "rows.csv"):
        sample = next((file for each in card.samples for file in each.files if file.endswith(name[-4:])), None)
        if sample is not None:
            (tmp_path / name).write_bytes((entry.folder / sample).read_bytes())
    if card.image is not None and not (tmp_path / "pictures.zip").exists():
        _zip(tmp_path / "pictures.zip", [entry.folder / file for file in card.samples[0].files])
    environment = {**os.environ, "FORELIGHT_TOKEN": "none is needed here", "NO_PROXY": "127.0.0.1"}
    python = python_snippet(server, entry, card).replace("headers=token", "headers={}")
    shell = curl_snippet(server, entry, card).replace('-H "Authorization: Bearer $FORELIGHT_TOKEN"', "-sS")
    for command in ([sys.executable, "-c", python], ["bash", "-c", shell]):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        wanted = ("'status': 'ok'", '"status":"ok"', '"state":"queued"', '"state":"running"', '"state":"done"')
        assert any(words in done.stdout for words in wanted), done.stdout
    engine.close()


def _zip(path: Path, files: list[Path]) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
