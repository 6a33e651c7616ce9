"""Where shards run: worker processes on this machine, or what another package brings."""

from collections.abc import Callable
from typing import Any

from engine.backends.devices import count_devices
from engine.backends.local import LocalBackend
from engine.backends.process import WorkerPool
from engine.plugins import Plugin, Registry

__all__ = ["BACKENDS", "LocalBackend", "WorkerPool", "count_devices"]


def _accepted(plugin: Plugin, loaded: Any) -> tuple[str, Callable[..., Any]]:
    if not callable(loaded):
        raise plugin.refused("is nothing that can be called as LocalBackend is.")
    return plugin.name, loaded


BACKENDS: Registry[Callable[..., Any]] = Registry("forelight.backends", {"local": LocalBackend}, _accepted)
"""What makes a backend, by its name; other packages' behind Forelight's own."""
