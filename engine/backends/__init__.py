"""Where shards run: worker processes on this machine, a Ray cluster, or what another package brings."""

from collections.abc import Callable
from typing import Any

from engine.backends.backend import Backend
from engine.backends.devices import count_devices
from engine.backends.local import LocalBackend
from engine.backends.process import WorkerPool
from engine.errors import MissingPackage, UnknownBackend
from engine.plugins import Plugin, Registry

__all__ = ["BACKENDS", "Backend", "LocalBackend", "WorkerPool", "count_devices", "open_backend"]


def _ray(*arguments: Any) -> Backend:
    """A RayBackend; MissingPackage where Ray is not installed."""
    try:
        from engine.backends.cluster import RayBackend
    except ModuleNotFoundError as exc:
        if exc.name != "ray":
            raise
        raise MissingPackage("FORELIGHT_BACKEND=ray", "ray") from exc
    return RayBackend(*arguments)


def _accepted(plugin: Plugin, loaded: Any) -> tuple[str, Callable[..., Any]]:
    if not callable(loaded):
        raise plugin.refused("is nothing that can be called as LocalBackend is.")
    return plugin.name, loaded


BACKENDS: Registry[Callable[..., Any]] = Registry("forelight.backends", {"local": LocalBackend, "ray": _ray}, _accepted)
"""What makes a backend, by its name; other packages' behind Forelight's own."""


def open_backend(name: str, *arguments: Any) -> Backend:
    """The backend of that name; UnknownBackend where there is none."""
    if name not in BACKENDS:
        raise UnknownBackend(name, BACKENDS)
    backend: Backend = BACKENDS[name](*arguments)
    return backend
