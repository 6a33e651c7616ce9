"""Whose turn it is, and how a run is cut and put together again."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.pace import Pace
from engine.runs.plan import Plan, missing
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
        queue.add(f"{visitor}{number}", visitor, [(place, place + 1) for place in range(count)])
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


def plans(rows: int) -> st.SearchStrategy[Plan]:
    alike = st.integers(1, 60).map(lambda size: Plan(size))
    uneven = st.sets(st.integers(1, rows - 1), max_size=20).map(lambda cuts: Plan(9, (0, *sorted(cuts), rows)))
    return alike | uneven


@given(plans(200), st.lists(st.floats(0, 300), max_size=30))
def test_a_run_is_cut_where_a_batch_begins_and_covered_once(plan: Plan, asked: list[float]) -> None:
    edges = set(plan.edges or range(0, 200, plan.batch_size)) | {200}
    rest: tuple[int, int] | None = (0, 200)
    taken = []
    for lines in [*asked, 300.0]:
        if rest is not None:
            part, rest = plan.cut(rest, lines)
            taken.append(part)
    assert rest is None
    assert [row for start, stop in taken for row in range(start, stop)] == list(range(200))
    assert {edge for part in taken for edge in part} <= edges
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@given(st.lists(st.integers(0, 199), max_size=8), st.data())
def test_what_is_left_and_what_is_done_are_the_whole(cuts: list[int], data: st.DataObject) -> None:
    ends = sorted({*cuts, 0, 200})
    every = list(pairwise(ends))
    done = [part for part in every if data.draw(st.booleans())]
    left = missing((0, 200), data.draw(st.permutations(done)))
    covered = sorted(row for start, stop in [*done, *left] for row in range(start, stop))
    assert covered == list(range(200))
    assert all(start < stop for start, stop in left)


@pytest.mark.parametrize("speeds", [(1_000.0,), (1_000.0, 1_000.0), (1_000.0, 100.0), (5e5, 4e5, 3e5, 1e3)])
def test_no_device_waits_for_the_last_shard_of_another(speeds: tuple[float, ...]) -> None:
    """Devices of these speeds, simulated: a turn lasts seconds, and all of them end about together."""
    rows = int(sum(speeds) * 30)
    pace, plan = Pace(len(speeds)), Plan(10)
    free = dict.fromkeys(range(len(speeds)), 0.0)
    rest: tuple[int, int] | None = (0, rows)
    turns = []
    while rest is not None:
        device = min(free, key=free.__getitem__)
        (start, stop), left = plan.cut(rest, pace.rows(device, rest[1] - rest[0]))
        most = max(10, int(2 * pace.turn * speeds[device]) // 10 * 10)  # it is stopped then, and the rest put back
        done = min(stop - start, most)
        rest = (start + done, rows) if done < stop - start else left
        seconds = done / speeds[device]
        pace.learn(device, done, seconds)
        free[device] += seconds
        turns.append(seconds)
    assert max(turns) <= 2 * pace.turn + 0.1
    if len(speeds) > 1:
        assert max(free.values()) - min(free.values()) < 1.0
        assert len(turns) < 40 * len(speeds)
