"""A cluster of machines that share no disk: nodes with homes of their own, which a network may cut off.

They are network namespaces of this machine, which sees neither what the nodes' programs see of the dashboard's folders
nor, once they are cut off, anything that they say.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from tests.cluster.network import Network, network
from tests.cluster.s3_server import serving_s3
from tests.engine.test_life import begun, undisturbed, until
from tests.engine.trouble import write_rows, write_trouble
from tests.pool import open_engine, pool

ray = pytest.importorskip("ray", reason="pip install -r requirements-cluster.txt")
s3fs = pytest.importorskip("s3fs", reason="make test-cluster installs it")
pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]
ROOT = Path(__file__).parents[2]
RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--object-store-memory", str(100 * 2**20)]
SOON = {  # a node that says nothing is given up sooner than by default
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "2",
}


class Machines:
    """The dashboard's machine, which is Ray's head too, and nodes by their names."""

    def __init__(self, net: Network, aws: Mapping[str, str], folder: Path) -> None:
        self.net, self._folder, port = net, folder, _free_port(net.address)
        self._environment = {**os.environ, **aws, **SOON, "PYTHONPATH": str(ROOT)}
        self.address = f"{net.address}:{port}"
        self.home = folder / "dashboard"
        self.home.mkdir()
        head = ["--head", "--node-ip-address", net.address, "--port", str(port), "--num-cpus", "0"]
        self._head = subprocess.Popen(
            [*RAY, *head, "--include-dashboard", "false"], env=self._environment, cwd=ROOT, stdout=subprocess.DEVNULL
        )

    def add(self, name: str) -> Path:
        """Begins a node of one core, which cannot see the dashboard's home; returns its own."""
        own, home = self.net.add(name), self._folder / "homes" / name
        home.mkdir(parents=True)
        node = ["--address", self.address, "--node-ip-address", own, "--num-cpus", "1"]
        hidden = [self.home, Path("/tmp/ray")]
        self.net.begin(name, [*RAY, *node], hidden, {**self._environment, "FORELIGHT_HOME": str(home)})
        return home

    def close(self) -> None:
        ray.shutdown()
        self._head.terminate()
        self._head.wait(30)


def _free_port(address: str) -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with network() as net, serving_s3(net.address) as aws:
        found = Machines(net, aws, tmp_path_factory.mktemp("machines"))
        yield found
        found.close()


def test_nodes_with_homes_of_their_own(machines: Machines, tmp_path: Path) -> None:
    """They take rows and models from the store; one that is cut off costs its shards, and what it does then is lost."""
    files = s3fs.S3FileSystem(use_listings_cache=False)
    files.makedirs("lab", exist_ok=True)
    models = write_trouble(tmp_path / "models")
    for path in (models / "slow").iterdir():
        files.put(str(path), f"lab/models/slow/{path.name}")
    homes = [machines.add(name) for name in ("a", "b")]
    shared = {"storage": "s3://lab/runs", "database_url": f"sqlite:///{tmp_path / 'forelight.db'}"}
    own = {**shared, "home": machines.home, "models": ("s3://lab/models",), "accelerator": "cpu"}
    remote = Engine(
        Settings.model_validate({**own, "backend": "ray", "ray_address": machines.address, "devices": 2}), pool=pool()
    )
    local = open_engine(Settings(home=tmp_path / "local", models=(models,), accelerator="cpu"))

    path = write_rows(tmp_path / "rows.csv", 20_000)
    run = begun(remote, path)
    backend: Any = remote._open().backend
    until(remote, run.id, lambda _: len(backend._active[run.id].in_flight) == 2, seconds=180)
    machines.net.cut("a")
    ended = remote.wait(run.id, 120)
    assert (ended.state, ended.rows_done) == ("done", 20_000), ended.error
    assert remote.export(run.id, "csv").read_bytes() == undisturbed(local, path), "no row twice, none lost"
    for home in homes:
        assert (home / "node" / run.id / "input.arrow").is_file()

    run = begun(remote, path)
    machines.net.cut("b")
    remote.cancel(run.id)
    cancelled = remote.wait(run.id, 20)
    assert cancelled.state == "cancelled", "whatever becomes of the node"
    machines.net.join("b")
    for engine in (remote, local):
        engine.close()
