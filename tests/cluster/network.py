"""Machines of a network, on one: network namespaces behind a bridge, each with a disk of its own where that matters."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


class Network:
    """This machine has `address` there; others are begun by `command` and cut off by `cut`."""

    def __init__(self, tag: str, net: str) -> None:
        self._tag, self._net = tag, net
        self.address = f"{net}.1"
        self._machines: dict[str, str] = {}
        self._begun: list[subprocess.Popen] = []
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    @property
    def _bridge(self) -> str:
        return f"{self._tag}b"

    def add(self, name: str) -> str:
        """Its address."""
        number = len(self._machines) + 2
        self._machines[name] = own = f"{self._tag}-{name}"
        inside, outside = f"{self._tag}i{number}", f"{self._tag}o{number}"
        _ip("netns", "add", own)
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
        _ip("link", "set", outside, "master", self._bridge, "up")
        _ip("link", "set", inside, "netns", own)
        _ip("-n", own, "addr", "add", f"{self._net}.{number}/24", "dev", inside)
        for device in ("lo", inside):
            _ip("-n", own, "link", "set", device, "up")
        return f"{self._net}.{number}"

    def begin(self, name: str, command: Sequence[str], hidden: Sequence[Path], environment: Mapping[str, str]) -> None:
        """Begins a program there, to which the hidden folders of this machine are empty ones of its own."""
        hide = "".join(f"mount -t tmpfs tmpfs '{folder}' && " for folder in hidden)
        inside = ["ip", "netns", "exec", self._machines[name], "sh", "-c", f'{hide}exec "$@"', "sh", *command]
        self._begun.append(subprocess.Popen(inside, env=dict(environment), start_new_session=True))

    def cut(self, name: str) -> None:
        """Takes the machine off the network: nothing of it ends, and nothing that it says arrives."""
        self._link(name, "down")

    def join(self, name: str) -> None:
        self._link(name, "up")

    def close(self) -> None:
        for own in self._machines.values():
            pids = subprocess.run(["ip", "netns", "pids", own], capture_output=True, text=True).stdout.split()
            for pid in pids:
                with_no_mercy(int(pid))
        for process in self._begun:
            process.wait(20)
        for own in self._machines.values():
            _ip("netns", "del", own)
        _ip("link", "del", self._bridge)

    def _link(self, name: str, state: str) -> None:
        number = list(self._machines).index(name) + 2
        _ip("link", "set", f"{self._tag}o{number}", state)


def with_no_mercy(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


@contextmanager
def network() -> Iterator[Network]:
    """A network of no machines yet; skips the test where this machine may not make one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("networks of one's own need root and iproute2")
    try:
        found = Network(f"fl{secrets.token_hex(2)}", f"10.231.{secrets.randbelow(256)}")
    except subprocess.CalledProcessError as exc:
        pytest.skip(f"this machine makes no networks: {exc.stderr}")
    try:
        yield found
    finally:
        found.close()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
