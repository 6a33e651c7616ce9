"""Threat 10: no checkpoint runs code, whatever it holds, whatever the environment says, wherever it lies."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends.process import WorkerProcess
from engine.checkpoints.checkpoint import load_checkpoint
from engine.errors import CheckpointError
from engine.settings import UNSAFE_VARIABLE
from tests.threats.checkpoints import CARD, Runs, load, saved

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("key", ["callbacks", "hyper_parameters", "state_dict", "hparams_name"])
def test_code_is_not_run(tmp_path: Path, key: str) -> None:
    path = saved(tmp_path / "model.ckpt", **{key: Runs(tmp_path / "was-here")})
    with pytest.raises(CheckpointError, match=rf"holds objects of .*\({key}\).*only tensors and plain data"):
        load(path)
    assert not (tmp_path / "was-here").exists()


def test_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(pickle.dumps({"state_dict": Runs(tmp_path / "was-here")}))
    with pytest.raises(CheckpointError, match="not a checkpoint that"):
        load(path)
    assert not (tmp_path / "was-here").exists()


def test_unsafe_loading_is_not_allowed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNSAFE_VARIABLE, "1")
    with pytest.raises(CheckpointError, match="Unset it"):
        load(saved(tmp_path / "model.ckpt"))


def test_no_server_starts_where_it_is(tmp_path: Path) -> None:
    environment = {**os.environ, "FORELIGHT_HOME": str(tmp_path), UNSAFE_VARIABLE: "1"}
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", "8598"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert UNSAFE_VARIABLE in done.stderr


def test_workers_load_safely_whatever_a_models_own_code_asks_for() -> None:
    worker = WorkerProcess("w")
    worker.start()
    given = b""
    while not given:  # there once the process runs its own program
        given = Path(f"/proc/{worker.pid}/environ").read_bytes()
    worker.close()
    assert b"TORCH_FORCE_WEIGHTS_ONLY_LOAD=1" in given.split(b"\0")


def test_a_process_that_has_loaded_one_loads_safely_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")
    load(saved(tmp_path / "model.ckpt"))
    assert os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/model.ckpt", "https://evil.example/x.ckpt", "s3://b/x.ckpt"])
def test_an_address_is_no_checkpoint(tmp_path: Path, address: str) -> None:
    with pytest.raises(CheckpointError, match="is not in the model's folder"):
        load_checkpoint(tmp_path / address, CARD)


def test_nobody_loads_in_another_way() -> None:
    """Every torch.load says weights_only=True; Lightning, which trusts addresses, is never given a checkpoint."""
    for path in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            function = ast.unparse(node.func)
            assert not function.endswith(("load_from_checkpoint", "add_safe_globals", "pickle.loads")), path
            # stand-ins that only remember what they are given, for `init` alone
            assert path.stem == "without_objects" or not function.endswith("safe_globals"), path
            assert given.get("ckpt_path", "None") == "None", path
            assert function != "torch.load" or given["weights_only"] == "True", path
