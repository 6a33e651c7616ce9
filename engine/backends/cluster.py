"""Runs on a Ray cluster: the same queue, turns and recovery as on one machine, with actors for worker processes."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import ray

from engine.backends.backend import Result
from engine.backends.local import LocalBackend
from engine.backends.process import WorkerPool
from engine.backends.ray_worker import RayWorker
from engine.errors import ClusterError
from engine.runs.folder import RunFolder
from engine.runs.run import Options
from engine.runs.store import RunStore
from engine.settings import Settings
from engine.workers.work import RunModel

log = logging.getLogger("forelight.cluster")


class RayBackend(LocalBackend):
    """Shards go to the cluster. What a person waits for, such as what-if, is done by this machine's own worker.

    Raises ClusterError where the cluster does not answer. Nodes see the home and the models under the same paths, or
    have copies of their own (`engine.backends.ray_node`).
    """

    def __init__(self, settings: Settings, store: RunStore, pool: WorkerPool, owner: str) -> None:
        resources, most = _connected(settings)
        wanted = settings.devices if isinstance(settings.devices, int) else most if settings.devices == "all" else 1
        log.info("%d devices of the Ray cluster are asked for, of %d it has", wanted, most)
        remote = tuple(RayWorker(f"ray-{number}", resources) for number in range(wanted))
        super().__init__(settings, store, pool, owner, remote)
        self._remote = remote
        self._here = ThreadPoolExecutor(1, "forelight-call")

    def ahead(self, folder: RunFolder, model: RunModel, options: Options) -> None:
        """Nothing: a node may not see yet what is being written here."""

    def begin(self, name: str, **arguments: Any) -> Future[Result]:
        """The result of that job, by the first worker here."""
        return self._here.submit(self._pool.devices[0].call, name, self._settings, **arguments)

    def close(self, patience: float = 5.0) -> None:
        super().close(patience)
        self._here.shutdown(wait=False, cancel_futures=True)
        for worker in self._remote:
            worker.close()
        ray.shutdown()


def _connected(settings: Settings) -> tuple[dict[str, float], int]:
    """(what a worker takes of a node, how many of it the cluster has)."""
    try:
        ray.init(
            address=settings.ray_address or "auto",
            namespace="forelight",
            ignore_reinit_error=True,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
        found = ray.cluster_resources()
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as exc:
        raise ClusterError(settings.ray_address, str(exc)) from exc
    gpus = int(found.get("GPU", 0)) if settings.accelerator != "cpu" else 0
    if gpus:
        return {"num_gpus": 1, "num_cpus": 1}, gpus
    return {"num_cpus": 1}, max(1, int(found.get("CPU", 0)))
