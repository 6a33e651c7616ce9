"""What a worker does with a checkpoint that somebody brings; see `engine.workers.work`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.models.registry import ModelRegistry
from engine.settings import Settings


def try_checkpoint(
    desk: object,
    settings: Settings,
    talk: object,
    *,
    model_id: str,
    version: str,
    path: Path,
    sha256: str,
    called: str,
) -> tuple[Mapping[str, Any], bytes]:
    """Nothing, where that file loads as a checkpoint of the model and takes its input; errors name it as `called`."""
    from engine.checkpoints.warm import load_model  # imports torch

    entry = ModelRegistry(settings.model_folders).entry(model_id, version)
    with TemporaryDirectory(prefix="forelight-") as folder:
        link = Path(folder) / called
        link.symlink_to(path)
        load_model(entry.usable_card().model_copy(update={"checkpoint": str(link), "sha256": sha256}), entry.folder)
    return {}, b""
