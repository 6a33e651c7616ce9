"""Figures for Prometheus: what this process counted, and how things stand when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.errors import StoreError
from engine.facts import Storage, WorkerState
from engine.parts import Parts


def figures(
    parts: Parts, workers: Callable[[], Iterable[WorkerState]], storage: Callable[[], Storage]
) -> CollectorRegistry:
    """All of them, looked up when they are collected. Those of the store are left out where it does not answer."""
    registry = CollectorRegistry()
    for collector in (*parts.backend.tally.counters, _Standing(parts, workers, storage)):
        registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


class _Standing(Collector):
    """How things stand."""

    def __init__(
        self, parts: Parts, workers: Callable[[], Iterable[WorkerState]], storage: Callable[[], Storage]
    ) -> None:
        self._parts, self._workers, self._storage = parts, workers, storage

    def collect(self) -> Iterator[Metric]:
        yield from self._of_the_store()
        standing = self._parts.backend.standing()
        yield _gauge("forelight_queue_runs", "Runs that wait in this process", len(standing.waiting))
        yield _gauge("forelight_queue_calls", "Calls that wait in this process", standing.calls)
        yield from self._of_workers()

    def _of_the_store(self) -> Iterator[Metric]:
        try:
            counts, storage = self._parts.store.counts(), self._storage()
        except StoreError:
            yield _gauge("forelight_store_up", "Whether the run store answers", 0)
            return
        yield _gauge("forelight_store_up", "Whether the run store answers", 1)
        runs = GaugeMetricFamily("forelight_runs", "Runs in the store, of all servers on it", labels=("model", "state"))
        for model_id, state, number in counts:
            runs.add_metric((model_id, state), number)
        yield runs
        room = GaugeMetricFamily("forelight_storage_bytes", "Bytes on the disk", labels=("what",))
        for what in ("used", "cap", "free", "uploads"):
            room.add_metric((what,), getattr(storage, what))
        yield room

    def _of_workers(self) -> Iterator[Metric]:
        families: tuple[GaugeMetricFamily | CounterMetricFamily, ...] = (
            GaugeMetricFamily("forelight_worker_up", "Whether the worker's process is there", labels=("worker",)),
            GaugeMetricFamily("forelight_worker_busy", "Whether it does a job", labels=("worker",)),
            GaugeMetricFamily("forelight_worker_memory_bytes", "Resident memory", labels=("worker",)),
            CounterMetricFamily("forelight_worker_restarts", "How often it was replaced", labels=("worker",)),
        )
        for worker in self._workers():
            figures = (worker.pid is not None, bool(worker.job), worker.memory, worker.restarts)
            for family, figure in zip(families, figures, strict=True):
                family.add_metric((worker.name,), figure)
        yield from families


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
