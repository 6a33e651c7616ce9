"""A job of `engine.workers.work` and what becomes of it, in whatever process does it: one here, or one on a node."""

from __future__ import annotations

import logging
import os

from engine.errors import DeviceLost
from engine.workers.messages import DEVICE_LOST, Answer, Failure, Job
from engine.workers.work import JOBS, Desk, Talk

log = logging.getLogger("forelight.worker")


def answer(desk: Desk, job: Job, talk: Talk) -> Answer | Failure:
    """The job's answer, or its failure; ends the process where its device is lost: a new one has a new context."""
    try:
        content, data = JOBS[job.name](desk, job.settings, talk, **job.arguments)
        return Answer(job.number, content, data)
    except DeviceLost as exc:
        log.error("%s", exc)
        os._exit(DEVICE_LOST)
    except Exception as exc:
        return Failure.of(job.number, exc, job=job.name, run=job.run_id)
