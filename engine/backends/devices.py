"""How many devices a host has, found out without loading torch into the server."""

from __future__ import annotations

import logging
import subprocess
import sys

from engine.settings import Settings

_COUNTS = "import torch; print(torch.cuda.device_count())"
_PATIENCE = 120.0
log = logging.getLogger("forelight.runs")


def count_devices(settings: Settings) -> int:
    """The number the host set; for «all» the GPUs there are, as CUDA_VISIBLE_DEVICES allows, and one at least.

    One where runs are predicted elsewhere.
    """
    if settings.backend != "local":
        return 1  # this machine then does what a person waits for, and no run
    if settings.devices != "all":
        return settings.devices
    if settings.accelerator == "cpu":
        return 1
    try:
        done = subprocess.run(
            [sys.executable, "-c", _COUNTS], capture_output=True, text=True, check=True, timeout=_PATIENCE
        )
        return max(1, int(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        log.warning("the devices could not be counted, one is used: %s", exc)
        return 1
