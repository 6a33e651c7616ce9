"""Where shards run. There is one place so far: threads of this process, one a device."""

from engine.backends.local import LocalBackend

__all__ = ["LocalBackend"]
