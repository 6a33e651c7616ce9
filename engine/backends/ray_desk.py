"""What runs on a node of a Ray cluster: one device, its warm models, and the jobs of `engine.workers.work`."""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import replace

from engine.backends.ray_node import Node
from engine.errors import ModelChanged, UnknownModel, UnknownVersion
from engine.observability.logs import set_up_logs
from engine.settings import Settings
from engine.workers.answering import answer
from engine.workers.messages import Answer, Failure, Job, Said, Stop, encode
from engine.workers.work import Desk

_OF_MODELS = (ModelChanged.__name__, UnknownModel.__name__, UnknownVersion.__name__)


class RayDesk:
    """An actor. `do` takes one job at a time; the other methods are asked meanwhile, on threads of their own."""

    def __init__(self) -> None:
        os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
        own = Settings()
        set_up_logs(own, "node")
        self._desk, self._node = Desk(), Node(own.home)
        self._talk: _Talk | None = None

    def answer(self) -> str:
        """The id of the node where it is."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def do(self, job: Job) -> bytes:
        """The job's answer, or its failure, as `engine.workers.messages` writes them."""
        self._talk = _Talk(job.number)
        reply = self._answer(job, self._talk)
        if isinstance(reply, Failure) and reply.kind in _OF_MODELS and self._node.fetch_models(job.settings):
            reply = self._answer(job, self._talk)
        return encode(reply)

    def piece(self, start: int, offset: int) -> bytes:
        """Some of the shard that the last job made, from that byte on; nothing at its end."""
        return self._node.piece(start, offset)

    def said(self, number: int) -> list[bytes]:
        """What that job has said since this was last asked."""
        talk = self._talk
        return talk.heard() if talk is not None and talk.number == number else []

    def stop(self, stop: Stop) -> None:
        """Asks that job to come to its end."""
        talk = self._talk
        if talk is not None and talk.number == stop.number:
            talk.end.set()

    def _answer(self, job: Job, talk: _Talk) -> Answer | Failure:
        settings, asked = job.settings, job.arguments
        try:
            folder = self._node.begin(asked["folder"], asked.get("claim", ""), settings)
        except Exception as exc:
            return Failure.of(job.number, exc, job=job.name, run=job.run_id)
        here = replace(job, arguments={**asked, "folder": folder}, settings=self._node.settings(settings))
        return answer(self._desk, here, talk)


class _Talk:
    """What a job says on its way, kept until it is asked for."""

    def __init__(self, number: int) -> None:
        self.number, self.end = number, threading.Event()
        self._said: deque[bytes] = deque()

    def say(self, **content: object) -> None:
        self._said.append(encode(Said(self.number, content)))

    def heard(self) -> list[bytes]:
        return [self._said.popleft() for _ in range(len(self._said))]

    @property
    def stopped(self) -> bool:
        return self.end.is_set()
