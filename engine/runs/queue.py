"""Whose turn it is: visitors take turns, and so do the runs of one visitor, a shard at a time."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is served and what waits, of what this process runs: ids of runs, in the order of their turns.

    A run of several shards may be served and wait at once. `calls` are what people wait for, which go first.
    """

    serving: tuple[str, ...]
    waiting: tuple[str, ...]
    calls: int


@dataclass(slots=True)
class _Turns:
    """The spans of one run that wait."""

    visitor: str
    spans: deque[Span] = field(default_factory=deque)


class FairQueue:
    """Spans of rows, by run, by visitor. Not thread-safe: its owner's lock guards it."""

    def __init__(self) -> None:
        self._runs: dict[str, _Turns] = {}
        self._visitors: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def __len__(self) -> int:
        """How many runs wait."""
        return len(self._runs)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs

    def add(self, run_id: str, visitor: str, spans: Sequence[Span]) -> None:
        """Puts the spans behind those of the run that wait already; a new run waits behind the visitor's others."""
        if spans:
            turns = self._runs.setdefault(run_id, _Turns(visitor))
            turns.spans.extend(spans)
            self._visitors.setdefault(visitor, OrderedDict()).setdefault(run_id)

    def put_back(self, run_id: str, visitor: str, span: Span) -> None:
        """The rest of a span that was taken: it is the run's next one, when its turn comes."""
        self.add(run_id, visitor, [span])
        self._runs[run_id].spans.rotate(1)

    def others(self, run_id: str) -> bool:
        """Whether a run other than this one waits."""
        return len(self._runs) > (run_id in self._runs)

    def rows(self, run_id: str) -> int:
        """How many rows of the run wait."""
        turns = self._runs.get(run_id)
        return sum(stop - start for start, stop in turns.spans) if turns is not None else 0

    def take(self) -> tuple[str, Span] | None:
        """The next span; its visitor and its run then wait behind all others. None where nothing waits."""
        for visitor, runs in self._visitors.items():
            run_id = next(iter(runs))
            span = self._runs[run_id].spans.popleft()
            runs.move_to_end(run_id)
            self._visitors.move_to_end(visitor)
            if not self._runs[run_id].spans:
                self.remove(run_id)
            return run_id, span
        return None

    def remove(self, run_id: str) -> None:
        """Forgets what waits of the run."""
        turns = self._runs.pop(run_id, None)
        if turns is not None:
            runs = self._visitors[turns.visitor]
            del runs[run_id]
            if not runs:
                del self._visitors[turns.visitor]

    def order(self) -> list[str]:
        """The runs that wait, in the order in which each gets its next turn."""
        return list(self._order())

    def _order(self) -> Iterator[str]:
        lines = [list(runs) for runs in self._visitors.values()]
        for turn in range(max(map(len, lines), default=0)):
            yield from (line[turn] for line in lines if turn < len(line))
