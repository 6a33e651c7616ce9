"""How many devices a host has, found out without loading torch into the server."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from engine.settings import Settings

_COUNTS = "import torch; print(torch.cuda.device_count())"
_PATIENCE = 120.0
_SIGNS_OF_A_GPU = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # NVIDIA's driver, the same under WSL, AMD's
_MOST_ON_THE_CPU = 4  # each has torch and the model in its memory
log = logging.getLogger("forelight.runs")


def count_devices(settings: Settings) -> int:
    """The number the host set; for «all» the GPUs there are, as CUDA_VISIBLE_DEVICES allows; for «auto» one of them.

    Without a GPU both are `on_the_cpu`. One where runs are predicted elsewhere.
    """
    if settings.backend != "local":
        return 1  # this machine then does what a person waits for, and no run
    if isinstance(settings.devices, int):
        return settings.devices
    if settings.accelerator == "cpu":
        return on_the_cpu()
    if settings.devices == "auto":
        return 1 if _may_have_a_gpu() else on_the_cpu()
    return _gpus() or on_the_cpu()


def on_the_cpu() -> int:
    """How many processes share the cores: most models are too small for one process to use several of them well."""
    return min(cores(), _MOST_ON_THE_CPU)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_have_a_gpu() -> bool:
    return sys.platform == "darwin" or any(Path(sign).exists() for sign in _SIGNS_OF_A_GPU)


def _gpus() -> int:
    """Those that torch sees, asked in a process of its own; 1 where it does not answer."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _COUNTS], capture_output=True, text=True, check=True, timeout=_PATIENCE
        )
        return int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        log.warning("the devices could not be counted, one is used: %s", exc)
        return 1
