"""A device of a Ray cluster as the server sees it: an actor, asked for again on another node when its own is gone."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from engine.backends.backend import Heard, Result
from engine.backends.process import Killed
from engine.backends.ray_desk import RayDesk
from engine.errors import RunTaken, StoreError, WorkerDied
from engine.runs.folder import RunFolder
from engine.settings import Settings
from engine.workers.messages import Failure, Job, Said, Stop, decode

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_UNTIL_ASKED_AGAIN = 1.0
_SECONDS_WITHOUT_STORAGE = 120.0
_AT_ONCE = 4  # a job, and what is said and heard meanwhile
Patience = Callable[[], float | None]
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
        self._silent: float | None = None

    def ready(self, closed: Callable[[], bool], warm: Settings | None = None) -> bool:
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
        stop: Patience = lambda: None,
        **arguments: Any,
    ) -> Result:
        """The result of that job, or its error; as WorkerProcess.call, and NodeLost where the node is gone.

        A shard lies in the run's folder then. Killed, too, where the node does not reach the storage of runs just now.
        """
        assert self._actor is not None, "ready() comes first"
        if "device" in arguments:
            arguments["device"] = 0  # Ray shows each actor its own device only
        job = Job(next(self._numbers), name, arguments, settings)
        run, part = RunFolder(arguments["folder"]), None
        start = arguments.get("span", (0, 0))[0]
        try:
            reply = decode(self._result(self._actor, job, heard, stop))
            if not isinstance(reply, Failure) and reply.content.get("done"):
                part = self._brought(self._actor, run.shard_path(start), start, stop)
        except RayActorError as exc:
            self._actor = None
            why = _first_line(exc)
            log.warning("%s ended: %s", self.name, why)
            raise (NodeLost(why) if _of_its_node(exc, self._node) else WorkerDied(why)) from exc
        except BaseException:
            self.close()  # what it would still say is nobody's
            raise
        if isinstance(reply, Failure):
            raise self._of_storage(reply.error())
        self._silent = None
        if part is not None:
            _keep(part, run.shard_path(start), run, arguments["claim"])
        return reply.content, getattr(reply, "data", b"")

    def close(self) -> None:
        """Ends the actor, whatever it does."""
        if self._actor is not None:
            ray.kill(self._actor)
            self._actor = None

    def _result(self, actor: ActorHandle, job: Job, heard: Heard, stop: Patience) -> bytes:
        result, said = actor.do.remote(job), [actor.said.remote(job.number)]

        def meanwhile() -> None:
            if ray.wait(said, timeout=0)[0]:
                for words in ray.get(said[0]):
                    message = decode(words)
                    assert isinstance(message, Said)
                    heard(message.content)
                said[0] = actor.said.remote(job.number)

        return _awaited(result, stop, meanwhile, lambda: actor.stop.remote(Stop(job.number)))

    def _brought(self, actor: ActorHandle, path: Path, start: int, stop: Patience) -> Path:
        """The shard that begins with that line, copied beside `path`, where it will lie."""
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            with part.open("wb") as file:
                while piece := _awaited(actor.piece.remote(start, file.tell()), stop):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part

    def _of_storage(self, error: Exception) -> Exception:
        """What the error means for the run: as long as the storage may only be silent, its rows are asked for again."""
        if not isinstance(error, StoreError):
            return error
        if self._silent is None:
            self._silent = time.monotonic()
            log.warning("the node of %s does not reach the storage of runs; its log says why", self.name)
        if time.monotonic() - self._silent > _SECONDS_WITHOUT_STORAGE:
            return error
        time.sleep(_SECONDS_UNTIL_ASKED_AGAIN)
        return Killed("a node did not reach the storage of runs")


def _awaited(
    asked: Any,
    stop: Patience,
    meanwhile: Callable[[], None] = lambda: None,
    when_stopped: Callable[[], object] = lambda: None,
) -> bytes:
    """What was asked for; Killed where that takes longer than `stop` allows."""
    stopped: float | None = None
    while True:
        ready, _ = ray.wait([asked], timeout=_SECONDS_BETWEEN_LOOKS)
        meanwhile()
        if ready:
            found: bytes = ray.get(asked)
            return found
        patience = stop()
        if patience is not None:
            if stopped is None:
                stopped = time.monotonic()
                when_stopped()
            elif time.monotonic() - stopped > patience:
                raise Killed


def _keep(part: Path, path: Path, run: RunFolder, claim: str) -> None:
    """The shard is whole, and the run's from now on; RunTaken where that is no longer the claim's."""
    if not run.is_held(claim):
        part.unlink(missing_ok=True)
        raise RunTaken(run.id)
    part.replace(path)


def _of_its_node(error: RayActorError, node: str) -> bool:
    """Whether the actor ended with its node: by what Ray knows of the node, which may come later than its words."""
    if "because its node has died" in str(error):
        return True
    return any(each["NodeID"] == node and not each["Alive"] for each in ray.nodes())


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
