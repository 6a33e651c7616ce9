"""Threat 3: a share is unguessable, expires, is taken back at once, and opens to read; else a run is not there at all.

Every route for every role: tests/dashboard/test_routes.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard.components.fragments import as_asked, while_seen
from engine import Engine, GuardedEngine
from engine.access import Caller
from engine.errors import NotAllowed, RunNotFound
from engine.runs.folder import GONE, RunFolder
from engine.runs.tables import shares
from tests.engine.postgres import database
from tests.engine.test_access import ANN, BOB, CHANGES, READS, age, engine, predicted, run_id

__all__ = ["database", "engine", "run_id"]

ROOT = Path(__file__).parents[2]


def test_a_link_opens_a_run_to_read_only_until_it_is_taken_back(engine: Engine, run_id: str) -> None:
    ann = GuardedEngine(engine, ANN)
    share, key = ann.share_link(run_id)
    assert len(key) >= 43, "at least 128 bits, in base 64"
    assert 6.9 < (datetime.fromisoformat(share.expires) - datetime.now(UTC)) / timedelta(days=1) <= 7
    bob = GuardedEngine(engine, replace(BOB, keys=frozenset((key,))))
    for call in READS:
        call(bob, run_id)
    for call in CHANGES:
        with pytest.raises(NotAllowed):
            call(bob, run_id)
    other = predicted(ann)
    with pytest.raises(RunNotFound):
        bob.run(other)
    assert [each.id for each in ann.shares(run_id)] == [share.id]
    ann.unshare(run_id, share.id)
    with pytest.raises(RunNotFound):
        bob.run(run_id)


def test_a_link_expires(engine: Engine, run_id: str) -> None:
    ann = GuardedEngine(engine, ANN)
    _, key = ann.share_link(run_id, days=0.5)
    bob = GuardedEngine(engine, replace(BOB, keys=frozenset((key,))))
    assert bob.run(run_id).id == run_id
    age(engine, shares, days=1)
    with pytest.raises(RunNotFound):
        bob.run(run_id)
    assert ann.shares(run_id) == ()
    for days in (0, -1, 400, float("nan"), float("inf")):
        with pytest.raises(NotAllowed):
            ann.share_link(run_id, days=days)


def test_a_run_for_all_is_seen_by_whoever_is_logged_in(engine: Engine, run_id: str) -> None:
    ann, bob = GuardedEngine(engine, ANN), GuardedEngine(engine, BOB)
    first, second = ann.share_with_all(run_id), ann.share_with_all(run_id)
    assert [each.id for each in ann.shares(run_id)] == [second.id] != [first.id]
    assert bob.run(run_id).id == run_id
    assert [run.id for run in bob.shared_runs()] == [run_id]
    assert ann.shared_runs() == (), "one's own are not shared with oneself"
    following = bob.follow(run_id)
    ann.unshare(run_id)
    with pytest.raises(RunNotFound):
        next(following)
    assert bob.shared_runs() == ()


def test_a_key_is_kept_as_a_hash_and_another_one_opens_nothing(engine: Engine, run_id: str) -> None:
    ann = GuardedEngine(engine, ANN)
    keys = [ann.share_link(run_id)[1] for _ in range(3)]
    assert len(set(keys)) == 3
    with engine.access()[0]._database.speaking("read") as connection:
        kept = str(connection.execute(shares.select()).mappings().all())
    assert not [key for key in keys if key in kept]
    for wrong in ("", keys[0][:-1], keys[0] + "x", keys[0].swapcase(), "s_" + "a" * 43):
        with pytest.raises(RunNotFound):
            GuardedEngine(engine, replace(BOB, keys=frozenset((wrong,)))).run(run_id)


def test_a_page_that_is_open_shows_no_more_than_a_new_one(
    engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts run again alone, with the results that the page gave them."""
    ann, shown = GuardedEngine(engine, ANN), []
    share, key = ann.share_link(run_id)
    bob = GuardedEngine(engine, replace(BOB, keys=frozenset((key,))))
    monkeypatch.setattr("dashboard.components.fragments.this_engine", lambda: bob)
    results = bob.results(run_id)
    table, judged = while_seen(shown.append), while_seen(lambda view, of: shown.append(of))

    def look() -> int:
        table(results)
        judged("a view", SimpleNamespace(results=results))
        judged("a view", of=results)
        return len(shown)

    assert look() == 3
    ann.unshare(run_id, share.id)
    assert look() == 3


def test_a_part_that_runs_again_alone_asks_as_who_looks_by_then(
    engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has logged out meanwhile is given no engine, nor who may not see the run any more."""
    looks = [GuardedEngine(engine, ANN)]
    monkeypatch.setattr("dashboard.components.fragments.this_engine", lambda: looks[-1])
    shown: list[str] = []
    form = as_asked(lambda by, of: shown.append(by.caller.visitor))
    results = looks[0].results(run_id)
    form(results)
    form(None)
    looks.append(GuardedEngine(engine, Caller("", "nobody")))
    form(results)
    form(None)
    looks.append(GuardedEngine(engine, BOB))
    form(results)
    form(None)
    assert shown == [ANN.visitor, ANN.visitor, BOB.visitor]


def test_a_run_is_not_there_from_the_moment_its_files_go(
    engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it found again by the files that are left."""
    ann, whole, met = GuardedEngine(engine, ANN), RunFolder.delete, []

    def none_there(deleted: str) -> None:
        met.append(deleted)
        engine._open().book.adopt_all()
        for call in READS:
            with pytest.raises(RunNotFound):
                call(ann, deleted)

    def deleting(folder: RunFolder) -> None:
        none_there(folder.id)
        whole(folder)
        none_there(folder.id)

    monkeypatch.setattr(RunFolder, "delete", deleting)
    other = predicted(ann)
    ann.delete(other)
    assert met == [other, other]
    assert not list(engine.settings.runs_folder.glob(f"*{other}*"))


def test_what_a_deletion_left_behind_is_removed_later(engine: Engine) -> None:
    left = engine.settings.runs_folder / f".{'a' * 26}{GONE}"
    left.mkdir(parents=True, exist_ok=True)
    engine.sweep()
    assert not left.exists()


def test_there_is_an_end_of_links_and_tokens(engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = GuardedEngine(engine, ANN), GuardedEngine(engine, BOB)
    monkeypatch.setattr("engine.guarded.permits.MOST_AT_ONCE", len(ann.shares(run_id)) + 1)
    ann.share_link(run_id)
    with pytest.raises(NotAllowed, match="links to this run already"):
        ann.share_link(run_id)
    monkeypatch.setattr("engine.guarded.permits.MOST_AT_ONCE", len(ann.tokens()) + 1)
    token, _ = ann.make_token("t", ("read",))
    with pytest.raises(NotAllowed, match="tokens already"):
        ann.make_token("t", ("read",))
    bob.make_token("t", ("read",))
    ann.revoke_token(token.id)
    ann.make_token("t", ("read",))


def test_no_part_of_a_page_runs_again_unasked() -> None:
    """The others ask the engine anew for what they show."""
    found = {path.stem for path in (ROOT / "dashboard").rglob("*.py") if "st.fragment" in path.read_text()}
    assert found == {"fragments", "host_now", "progress", "run_list"}
