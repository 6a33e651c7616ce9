"""A server that other machines would reach starts with a login, or where its host says that anybody may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.access.callers import is_loopback
from dashboard.access.exposure import check_exposure, said_at_the_start
from engine import Engine, Settings

ROOT = Path(__file__).parents[2]


class Refused(Exception):
    pass


@pytest.fixture(autouse=True)
def _no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(words: str) -> None:
        raise Refused(words)

    monkeypatch.setattr("dashboard.access.exposure._refuse", refuse)


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_addresses(address: str, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_loopback(address) is own
    monkeypatch.setattr("dashboard.access.exposure.st.get_option", lambda name: address or None)
    check_exposure(Settings(home=tmp_path, open=True))
    if own:
        check_exposure(Settings(home=tmp_path))
    else:
        with pytest.raises(Refused, match="there is no login"):
            check_exposure(Settings(home=tmp_path))


def test_what_lacks_at_the_start_is_said(tmp_path: Path) -> None:
    for settings, words in (
        ({"home": tmp_path, "devices": "some"}, r"^FORELIGHT_DEVICES: "),
        ({"home": tmp_path / "file" / "home"}, r"The run store \S+ cannot be opened: .*Not a directory"),
        ({"home": tmp_path, "database_url": "postgresql://127.0.0.1:9/runs"}, "cannot be opened: .*refused"),
    ):
        (tmp_path / "file").write_text("")
        with pytest.raises(Refused, match=words), said_at_the_start():
            Engine(Settings(**settings)).serve()  # type: ignore[arg-type]


def test_a_login_without_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for section, words in (
        ({}, "no identity provider"),
        ({"client_id": "x"}, "cannot be used"),
        ({"redirect_uri": "x", "cookie_secret": "x", "google": {"client_id": "x"}}, "'google' cannot be used"),
    ):
        monkeypatch.setattr("dashboard.access.login.get_secrets_auth_section", lambda section=section: section)
        with pytest.raises(Refused, match=words):
            check_exposure(Settings(home=tmp_path, login=True))


def test_secrets_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> None:
        raise PermissionError(13, "Permission denied", "/app/.streamlit/secrets.toml")

    monkeypatch.setattr("dashboard.access.login.get_secrets_auth_section", unreadable)
    with pytest.raises(Refused, match="secrets.toml cannot be read: .*Permission denied"):
        check_exposure(Settings(home=tmp_path, login=True))


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        (("--server.address", "0.0.0.0"), {}, "no login"),
        ((), {"FORELIGHT_LOGIN": "1"}, "identity provider"),
        ((), {"FORELIGHT_DEVICES": "some"}, "FORELIGHT_DEVICES: "),
    ],
)
def test_the_real_server_ends_with_the_sentence(
    tmp_path: Path, options: tuple[str, ...], given: dict[str, str], words: str
) -> None:
    environment = {**os.environ, "FORELIGHT_HOME": str(tmp_path), "FORELIGHT_LOGIN": "0", **given}
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", "8599", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
