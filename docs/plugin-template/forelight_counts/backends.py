"""A backend of one's own: here Forelight's, under another name."""

from __future__ import annotations

from engine.backends.local import LocalBackend


class QuietBackend(LocalBackend):
    """Is made as LocalBackend is made, and has its methods."""
