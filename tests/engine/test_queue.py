"""Whose turn it is, and how a run is cut and put together again."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.runs.plan import missing, spans
from engine.runs.queue import FairQueue


def drained(queue: FairQueue) -> list[str]:
    found = []
    while (taken := queue.take()) is not None:
        found.append(taken[0])
    return found


def test_a_hundred_files_do_not_starve_one() -> None:
    queue = FairQueue()
    for number in range(100):
        queue.add(f"ann-{number}", "ann", [(0, 1)])
    queue.add("bob", "bob", [(0, 1)])
    assert drained(queue).index("bob") == 1


def test_a_small_run_is_not_stuck_behind_a_huge_one() -> None:
    queue = FairQueue()
    queue.add("huge", "ann", [(number, number + 1) for number in range(1_000)])
    queue.add("small", "ann", [(0, 1)])
    assert drained(queue).index("small") == 1


def test_the_rest_of_a_span_comes_next_of_its_run() -> None:
    queue = FairQueue()
    queue.add("a", "ann", [(0, 10), (10, 20)])
    assert queue.take() == ("a", (0, 10))
    queue.put_back("a", "ann", (4, 10))
    assert queue.take() == ("a", (4, 10))
    assert queue.take() == ("a", (10, 20))
    assert queue.take() is None


def test_a_run_that_is_removed_is_gone() -> None:
    queue = FairQueue()
    queue.add("a", "ann", [(0, 1)])
    queue.add("b", "bob", [(0, 1)])
    queue.remove("a")
    queue.remove("a")
    assert "a" not in queue
    assert queue.order() == ["b"]
    assert drained(queue) == ["b"]
    assert len(queue) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), max_size=12))
def test_everything_is_served_once_and_visitors_stay_level(asked: list[tuple[str, int]]) -> None:
    queue = FairQueue()
    for number, (visitor, count) in enumerate(asked):
        queue.add(f"{visitor}{number}", visitor, list(spans(count, 1)))
    expected = Counter({f"{visitor}{number}": count for number, (visitor, count) in enumerate(asked)})
    order = queue.order()
    assert sorted(order) == sorted(expected)
    served = drained(queue)
    assert Counter(served) == expected
    left = Counter(visitor for visitor, count in asked for _ in range(count))
    turns: Counter[str] = Counter()
    for run_id in served:
        turns[run_id[0]] += 1
        waiting = [visitor for visitor in left if turns[visitor] < left[visitor]]
        assert all(turns[run_id[0]] - turns[visitor] <= 1 for visitor in waiting)


@given(st.integers(0, 200), st.integers(1, 60), st.lists(st.integers(0, 199), max_size=8))
def test_what_is_left_and_what_is_done_are_the_whole(rows: int, most: int, cuts: list[int]) -> None:
    plan = list(spans(rows, most))
    assert [row for start, stop in plan for row in range(start, stop)] == list(range(rows))
    done = []
    for start, stop in plan:  # each span is done up to a place, in pieces
        inside = sorted({cut for cut in cuts if start < cut <= stop})
        done += [(first, last) for first, last in zip([start, *inside], inside, strict=False)]
    left = missing(plan, done)
    covered = sorted(row for start, stop in [*done, *left] for row in range(start, stop))
    assert covered == list(range(rows))
    assert all(start < stop for start, stop in left)
