"""What a worker does to see which parts of a row its prediction stands on; see `engine.workers.work`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from engine.kinds.left_out import Part
from engine.runs.folder import RunFolder
from engine.runs.run import Options
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.workers.work import Desk, RunModel


def predict_without(
    desk: Desk,
    settings: Settings,
    talk: object,
    *,
    folder: Path,
    about: RunModel,
    options: Options,
    row: int,
    parts: Sequence[Part],
    device: int = 0,
) -> tuple[Mapping[str, Any], bytes]:
    """The lines of row `row` of a run, and of it without each of the parts; nothing is kept."""
    from engine.prediction import single

    with desk.model_of_run(settings, about, options, device) as model, TemporaryDirectory(prefix="forelight-") as name:
        lines = single.predict_without(
            model,
            RunFolder(folder).rows(row - 1, row),
            parts,
            Path(name),
            precision=options.precision,
            accelerator=settings.accelerator,
            device=device,
        )
        content = io.BytesIO()
        lines.select(line for line, kind in lines.schema.items() if not kind.is_nested()).write_ipc(content)
        return {}, content.getvalue()
