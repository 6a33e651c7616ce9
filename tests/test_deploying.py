"""The Dockerfile, the compose file and the pages on deploying say what is so: settings, files, ports, folders."""

from __future__ import annotations

import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.settings import BUNDLED_MODELS, Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("deploy-*.md"), DOCS / "operating.md", DOCS / "lake.md", DOCS / "object-stores.md"]
COMPOSE = (DOCS / "deploy" / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
STEPS = [
    tuple(step.split(maxsplit=1))
    for step in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text())).splitlines()
    if step.strip()
]
HOSTS_OWN = {"NAME": "forecast.example.org", "POSTGRES_PASSWORD": "p", "STORE_PASSWORD": "s", "NGINX": "./site.conf"}


def steps(name: str) -> list[str]:
    """What is said in the Dockerfile after that word."""
    return [text for step, text in STEPS if step == name]


def image_environment() -> dict[str, str]:
    return dict(word.split("=", 1) for text in steps("ENV") for word in shlex.split(text))


def filled(text: str) -> str:
    """A text of the compose file with the host's values, else the defaults, as Compose puts them in."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: HOSTS_OWN.get(found[1], found[2] or ""), text)


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {**image_environment(), **{name: filled(str(text)) for name, text in service["environment"].items()}}


def settings_of(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    return Settings()


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_set_as_it_means(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment(OURS[name])
    settings = settings_of(given, monkeypatch)
    assert all(each.removeprefix("FORELIGHT_").lower() in Settings.model_fields for each in given if "FORE" in each)
    assert settings.names == ("forecast.example.org",)
    assert set(settings.lake_folders) == {"archive"}
    mounted = {filled(each).split(":")[1] for each in OURS[name]["volumes"]}
    assert str(settings.home) in mounted
    assert mounted & {str(folder) for folder in settings.model_folders}, "models are mounted where they are looked for"


def test_services_find_each_other() -> None:
    volumes = yaml.safe_load(COMPOSE)["volumes"]
    for name, service in SERVICES.items():
        asked = set(service.get("depends_on", ()))
        texts = " ".join(map(str, (*service.get("environment", {}).values(), service.get("command", ""))))
        named = set(re.findall(r"(?:@|//|\s|^)([a-z]+[a-z0-9-]*):\d+", texts))
        assert asked | named <= set(SERVICES), name
        for volume in service.get("volumes", ()):
            source = filled(volume).split(":")[0]
            assert source in volumes or source.startswith((".", "/")), volume


def test_the_page_names_what_the_compose_file_asks_for() -> None:
    [block] = re.findall(r"```\n(NAME=.*?)```", (DOCS / "deploy-cluster.md").read_text(encoding="utf-8"), re.DOTALL)
    told = {line.split("=")[0] for line in block.splitlines()}
    assert set(re.findall(r"\$\{(\w+):\?", COMPOSE)) <= told <= set(re.findall(r"\$\{(\w+)", COMPOSE))


def test_nginx_is_led_to_both_dashboards() -> None:
    page = (DOCS / "deploy-cluster.md").read_text(encoding="utf-8")
    [command] = re.findall(r"(?m)^(sed .*?)> docs/deploy/site.conf", page, re.DOTALL)
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.findall(r"(?m)^ +server ([\d.]+):8501 ", done.stdout)
    networks = [each["networks"]["default"] for name, each in OURS.items() if name.startswith("dashboard")]
    assert found == [each["ipv4_address"] for each in networks]
    assert "server_name YOUR.NAME;" in done.stdout


def test_the_image_is_made_of_what_is_there() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    copied = [word for text in steps("COPY") if "--from" not in text for word in shlex.split(text)[:-1]]
    assert sorted(copied) == sorted(allowed), "what is copied is let through, and nothing else"
    assert all((ROOT / path).exists() for path in copied)
    assert ignored.index("*") == min(i for i, line in enumerate(ignored) if not line.startswith("#"))
    kept_out = [line for line in ignored if fnmatch(".streamlit/secrets.toml", line)]
    assert kept_out[-1] == ".streamlit/secrets.toml", "a login's secrets are in no image"
    for name, service in OURS.items():
        assert set(service["build"]["args"]["EXTRAS"].split()) <= set(copied), name


def test_torch_is_the_one_that_is_required() -> None:
    required = {line.split()[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "torch" in line}
    for path in ("Dockerfile", "Makefile"):
        for package in re.findall(r"'(torch(?:vision)?>=[\d.]+)'", (ROOT / path).read_text()):
            assert package in required, path


def test_the_port_is_one() -> None:
    [port] = steps("EXPOSE")
    [health], [command] = steps("HEALTHCHECK"), [text for text in steps("CMD") if "streamlit" in text]
    nginx = (DOCS / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert f"127.0.0.1:{port}/healthz" in health
    assert f'"--server.port", "{port}"' in command
    assert set(re.findall(r"server [\d.]+:(\d+) max_fails", nginx)) == {port}
    for name, service in OURS.items():
        assert set(re.findall(r"--server.port (\d+)", str(service.get("command")))) <= {port}, name


def test_the_image_starts_with_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(image_environment(), monkeypatch)
    volumes = re.findall(r'"([^"]+)"', steps("VOLUME")[0])
    assert str(settings.home) in volumes
    assert settings.model_folders == (Path(volumes[1]), Path("/app") / BUNDLED_MODELS.relative_to(ROOT))


@pytest.mark.parametrize("page", [path for path in PAGES if path.exists()], ids=lambda path: path.stem)
def test_the_pages_name_settings_that_there_are(page: Path) -> None:
    named = set(re.findall(r"FORELIGHT_([A-Z_]*[A-Z])\b", page.read_text(encoding="utf-8")))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert named
