"""What a backend is: the place where the shards of runs, and calls that a person waits for, are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from engine.backends.ahead import Ahead
    from engine.observability.tally import Tally
    from engine.runs.folder import RunFolder
    from engine.runs.plan import Plan
    from engine.runs.queue import Standing
    from engine.runs.run import Options, Place, Record
    from engine.settings import Settings
    from engine.workers.work import RunModel

Heard = Callable[[Mapping[str, Any]], None]
Result = tuple[Mapping[str, Any], bytes]


class Backend(Protocol):
    """Made of (settings, store, pool of workers here, this process's name as an owner of runs)."""

    tally: Tally

    @property
    def devices(self) -> int: ...

    def submit(self, folder: RunFolder, record: Record, plan: Plan | None, claim: str) -> None: ...

    def call(self, name: str, **arguments: Any) -> Result: ...

    def begin(self, name: str, **arguments: Any) -> Future[Result]: ...

    def cancel(self, run_id: str) -> None: ...

    def wait(self, run_id: str, timeout: float) -> bool: ...

    def place(self, run_id: str) -> Place | None: ...

    def standing(self) -> Standing: ...

    def tick(self) -> None: ...

    def close(self, patience: float = 5.0) -> None: ...


@runtime_checkable
class ReadsAlong(Protocol):
    """A backend that predicts rows while others of their files are still read."""

    def ahead(self, folder: RunFolder, model: RunModel, options: Options) -> Ahead | None: ...


class Worker(Protocol):
    """One device of a backend that does the jobs of `engine.workers.work`: a process here, or an actor elsewhere."""

    name: str

    def ready(self, closed: Callable[[], bool], warm: Settings | None = None) -> bool:
        """True once it can take a job; waits for that, until `closed()`. `warm`: the rows of one must not wait."""
        ...

    def call(self, name: str, settings: Any, *, heard: Heard, stop: Callable[[], float | None], **job: Any) -> Result:
        """The result of that job; see WorkerProcess."""
        ...
