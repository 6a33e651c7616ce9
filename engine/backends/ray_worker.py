"""A device of a Ray cluster as the server sees it: an actor, asked for again on another node when its own is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from engine.backends.backend import Heard, Result
from engine.backends.process import Killed
from engine.backends.ray_desk import RayDesk
from engine.errors import WorkerDied
from engine.settings import Settings
from engine.workers.messages import Failure, Job, Said, Stop, decode

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_UNTIL_ASKED_AGAIN = 1.0
_AT_ONCE = 4  # a job, and what is said and heard meanwhile
log = logging.getLogger("forelight.cluster")


class NodeLost(Killed):
    """The node is gone; no row of the shard is to blame, and another node does it."""


class RayWorker:
    """One actor. `resources` is what Ray sets aside for it: `num_gpus` or `num_cpus`. Called by one thread."""

    def __init__(self, name: str, resources: Mapping[str, float]) -> None:
        self.name, self._resources = name, resources
        self._numbers = count(1)
        self._actor: ActorHandle | None = None
        self._node = ""

    def ready(self, closed: Callable[[], bool]) -> bool:
        """True once the actor has a place in the cluster; waits as long as there is none, until `closed()`."""
        asked = None
        while not closed():
            try:
                if self._actor is None:
                    spread = {"max_concurrency": _AT_ONCE, "scheduling_strategy": "SPREAD"}
                    self._actor = ray.remote(RayDesk).options(**spread, **self._resources).remote()
                    asked = None
                asked = asked if asked is not None else self._actor.answer.remote()
                if ray.wait([asked], timeout=_SECONDS_BETWEEN_LOOKS)[0]:
                    self._node = ray.get(asked)
                    return True
            except RayError as exc:
                log.warning("%s is asked for again: %s", self.name, _first_line(exc))
                self._actor = None
                time.sleep(_SECONDS_UNTIL_ASKED_AGAIN)
        return False

    def call(
        self,
        name: str,
        settings: Settings,
        *,
        heard: Heard = lambda content: None,
        stop: Callable[[], float | None] = lambda: None,
        **arguments: Any,
    ) -> Result:
        """The result of that job, or its error; as WorkerProcess.call, and NodeLost where the node is gone."""
        assert self._actor is not None, "ready() comes first"
        if "device" in arguments:
            arguments["device"] = 0  # Ray shows each actor its own device only
        job = Job(next(self._numbers), name, arguments, settings)
        try:
            reply = decode(self._result(self._actor, job, heard, stop))
        except RayActorError as exc:
            self._actor = None
            why = _first_line(exc)
            log.warning("%s ended: %s", self.name, why)
            raise (NodeLost(why) if _of_its_node(exc, self._node) else WorkerDied(why)) from exc
        except BaseException:
            self.close()  # what it would still say is nobody's
            raise
        if isinstance(reply, Failure):
            raise reply.error()
        return reply.content, getattr(reply, "data", b"")

    def close(self) -> None:
        """Ends the actor, whatever it does."""
        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None

    def _result(self, actor: ActorHandle, job: Job, heard: Heard, stop: Callable[[], float | None]) -> bytes:
        result, said = actor.do.remote(job), actor.said.remote(job.number)
        stopped: float | None = None
        while True:
            ready, _ = ray.wait([result], timeout=_SECONDS_BETWEEN_LOOKS)
            if ray.wait([said], timeout=0)[0]:
                for words in ray.get(said):
                    message = decode(words)
                    assert isinstance(message, Said)
                    heard(message.content)
                said = actor.said.remote(job.number)
            if ready:
                found: bytes = ray.get(result)
                return found
            patience = stop()
            if patience is not None:
                if stopped is None:
                    stopped = time.monotonic()
                    actor.stop.remote(Stop(job.number))
                elif time.monotonic() - stopped > patience:
                    raise Killed


def _of_its_node(error: RayActorError, node: str) -> bool:
    """Whether the actor ended with its node: by what Ray knows of the node, which may come later than its words."""
    if "because its node has died" in str(error):
        return True
    return any(each["NodeID"] == node and not each["Alive"] for each in ray.nodes())


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
