"""Where shards run: worker processes on this machine."""

from engine.backends.local import LocalBackend
from engine.backends.process import WorkerPool

__all__ = ["LocalBackend", "WorkerPool"]
