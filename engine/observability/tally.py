"""What this process has done since it began, counted as Prometheus wants it."""

from __future__ import annotations

from prometheus_client import Counter


class Tally:
    """Runs, rows and seconds by model. Safe in several threads. What is deleted stays counted."""

    def __init__(self) -> None:
        self._ended = _counter("forelight_runs_ended", "Runs that ended here", "model", "state")
        self._rows = _counter("forelight_rows", "Rows of finished shards", "model", "outcome")
        self._seconds = _counter("forelight_prediction_seconds", "Seconds spent on predicting", "model")
        self.counters = (self._ended, self._rows, self._seconds)

    def end(self, model_id: str, state: str) -> None:
        self._ended.labels(model_id, state).inc()

    def add_rows(self, model_id: str, done: int, failed: int) -> None:
        """`failed` of the `done` rows could not be predicted."""
        self._rows.labels(model_id, "predicted").inc(done - failed)
        self._rows.labels(model_id, "failed").inc(failed)

    def add_seconds(self, model_id: str, seconds: float) -> None:
        self._seconds.labels(model_id).inc(seconds)


def _counter(name: str, about: str, *labels: str) -> Counter:
    return Counter(name, about, labels, registry=None)
