"""Who may see and change what: own runs, shared ones, hosts, tokens; and the trail of it. On both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import AuditSearch, Caller, Engine, GuardedEngine, Options, Settings, Source
from engine.access import THE_COMMAND_LINE
from engine.errors import LoginNeeded, NotAllowed, RunNotFound, UploadNotFound
from engine.runs.tables import audit, tokens
from tests.engine.postgres import database
from tests.pool import open_engine

__all__ = ["database"]

ANN, BOB = Caller("ann", name="Ann"), Caller("bob", name="Bob")
HOST = Caller("eve", "host", "Eve")
NOBODY = Caller("", "nobody")
MODEL = "diabetes-progression"
PATIENTS = Path("engine/demos/models/diabetes-progression/samples/patients.csv")


@pytest.fixture
def engine(tmp_path: Path, database: str) -> Iterator[Engine]:
    made = open_engine(Settings(home=tmp_path, database_url=database, login=True))
    yield made
    made.close()


@pytest.fixture
def run_id(engine: Engine) -> str:
    """A finished run of Ann's."""
    return predicted(GuardedEngine(engine, ANN))


def predicted(guarded: GuardedEngine) -> str:
    run = guarded.check(MODEL, [Source("patients.csv", PATIENTS.resolve())])
    guarded.submit(run.id, Options(on_error="report"))
    return guarded.wait(run.id).id


READS: tuple[Callable[[GuardedEngine, str], object], ...] = (
    lambda guarded, run_id: guarded.run(run_id),
    lambda guarded, run_id: guarded.wait(run_id, 0),
    lambda guarded, run_id: next(guarded.follow(run_id)),
    lambda guarded, run_id: guarded.preview(run_id),
    lambda guarded, run_id: guarded.results(run_id),
    lambda guarded, run_id: guarded.download(run_id, "csv"),
    lambda guarded, run_id: guarded.download_bytes(run_id, "csv"),
    lambda guarded, run_id: guarded.download_name(run_id, "csv"),
    lambda guarded, run_id: guarded.report(run_id),
)
CHANGES: tuple[Callable[[GuardedEngine, str], object], ...] = (
    lambda guarded, run_id: guarded.answered(run_id),
    lambda guarded, run_id: guarded.submit(run_id),
    lambda guarded, run_id: guarded.resume(run_id),
    lambda guarded, run_id: guarded.again(run_id),
    lambda guarded, run_id: guarded.by_version(run_id, "1"),
    lambda guarded, run_id: guarded.cancel(run_id),
    lambda guarded, run_id: guarded.describe(run_id, name="mine"),
    lambda guarded, run_id: guarded.shares(run_id),
    lambda guarded, run_id: guarded.share_link(run_id),
    lambda guarded, run_id: guarded.share_with_all(run_id),
    lambda guarded, run_id: guarded.unshare(run_id),
    lambda guarded, run_id: guarded.delete(run_id),
)


def test_anothers_run_is_as_if_it_were_not_there(engine: Engine, run_id: str) -> None:
    bob = GuardedEngine(engine, BOB)
    for call in (*READS, *CHANGES):
        said = []
        for asked in (run_id, "a" * 26):
            with pytest.raises(RunNotFound) as error:
                call(bob, asked)
            said.append(str(error.value).replace(asked, "ID"))
        assert said[0] == said[1]
    assert bob.runs() == ()
    assert bob.count_runs() == 0
    assert bob.shared_runs() == ()
    assert GuardedEngine(engine, ANN).run(run_id).state == "done"


def test_who_is_nobody_gets_nothing(engine: Engine, run_id: str) -> None:
    nobody = GuardedEngine(engine, NOBODY)
    others: tuple[Callable[[GuardedEngine, str], object], ...] = (
        lambda guarded, _: guarded.models(),
        lambda guarded, _: guarded.model(MODEL),
        lambda guarded, _: guarded.facts(MODEL),
        lambda guarded, _: guarded.template(MODEL),
        lambda guarded, _: guarded.samples(MODEL),
        lambda guarded, _: guarded.runs(),
        lambda guarded, _: guarded.count_runs(),
        lambda guarded, _: guarded.shared_runs(),
        lambda guarded, _: guarded.check(MODEL, []),
        lambda guarded, _: guarded.predict_now(MODEL, []),
        lambda guarded, _: guarded.begin_upload("x.csv"),
        lambda guarded, _: guarded.check_room(1),
        lambda guarded, _: guarded.tokens(),
        lambda guarded, _: guarded.make_token("x", ["read"]),
        lambda guarded, _: guarded.storage(),
        lambda guarded, _: guarded.audit(),
        lambda guarded, _: guarded.workers(),
        lambda guarded, _: guarded.set_default(MODEL, "1"),
        lambda guarded, _: guarded.operate(),
    )
    for call in (*READS, *CHANGES, *others):
        with pytest.raises(LoginNeeded):
            call(nobody, run_id)


def test_hosts_see_and_stop_all(engine: Engine, run_id: str) -> None:
    host = GuardedEngine(engine, HOST)
    assert host.run(run_id).id == run_id
    assert [run.id for run in host.operate().runs()] == [run_id]
    assert host.runs() == ()
    host.delete(run_id)
    with pytest.raises(RunNotFound):
        host.run(run_id)
    with pytest.raises(NotAllowed):
        GuardedEngine(engine, ANN).operate()


def test_without_a_login_whoever_has_the_id_sees(tmp_path: Path) -> None:
    engine = open_engine(Settings(home=tmp_path))
    run_id = predicted(GuardedEngine(engine, ANN))
    bob = GuardedEngine(engine, BOB)
    for call in READS:
        call(bob, run_id)
    for call in CHANGES:
        with pytest.raises(NotAllowed):
            call(bob, run_id)
    assert bob.runs() == ()
    engine.close()


def test_a_token_may_what_it_was_made_for(engine: Engine, run_id: str) -> None:
    ann = GuardedEngine(engine, ANN)
    token, words = ann.make_token("nightly", ["models", "read"])
    known = ann.tokens()
    assert [each.id for each in known] == [token.id]
    assert known[0].scopes == ("models", "read")
    caller = engine.access()[0].caller(words)
    assert caller is not None
    assert (caller.visitor, caller.role) == ("ann", "visitor")
    program = GuardedEngine(engine, caller)
    assert program.run(run_id).id == run_id
    assert program.models()
    for call in CHANGES[1:6]:
        with pytest.raises(NotAllowed):
            call(program, run_id)
    with pytest.raises(NotAllowed):
        program.make_token("another", ["read"])
    assert ann.tokens()[0].used == datetime.now(UTC).date().isoformat()
    with engine.access()[0]._database.speaking("read") as connection:
        kept = connection.execute(sa.select(tokens)).mappings().all()
    assert words not in str(kept)
    assert words not in repr(caller)
    ann.revoke_token(token.id)
    assert engine.access()[0].caller(words) is None


def test_a_token_that_may_only_run_reads_nothing(engine: Engine, run_id: str) -> None:
    _, words = GuardedEngine(engine, ANN).make_token("upload only", ["run"])
    caller = engine.access()[0].caller(words)
    assert caller is not None
    program = GuardedEngine(engine, caller)
    for call in READS:
        with pytest.raises(NotAllowed):
            call(program, run_id)
    program.cancel(run_id)
    _, words = GuardedEngine(engine, BOB).make_token("upload only", ["run"])
    stranger = engine.access()[0].caller(words)
    assert stranger is not None
    with pytest.raises(RunNotFound):
        GuardedEngine(engine, stranger).cancel(run_id)


def test_tokens_expire_and_never_outgrow_their_maker(engine: Engine) -> None:
    ann, tokens_ = GuardedEngine(engine, ANN), engine.access()[0]
    for scopes in ((), ("everything",), ("read", "operate")):
        with pytest.raises(NotAllowed):
            ann.make_token("x", scopes)  # type: ignore[arg-type]
    _, words = ann.make_token("x", ["read"], days=3)
    for wrong in ("", "forelight_", words[:-1], words + "x", words.upper(), "forelight_" + "x" * 10_000, "\ud800"):
        assert tokens_.caller(wrong) is None
    assert tokens_.caller(words) is not None
    age(engine, tokens, days=4)
    assert tokens_.caller(words) is None
    assert ann.tokens() == ()
    _, words = GuardedEngine(engine, HOST).make_token("metrics", ["operate"])
    caller = tokens_.caller(words)
    assert caller is not None
    assert caller.operates
    with pytest.raises(NotAllowed):
        GuardedEngine(engine, caller).models()
    other, _ = ann.make_token("y", ["read"])
    GuardedEngine(engine, BOB).revoke_token(other.id)
    assert ann.tokens(), "nobody revokes another's"
    GuardedEngine(engine, HOST).revoke_token(other.id)
    assert not ann.tokens(), "but a host does"


def test_uploads_are_their_visitors_own(engine: Engine) -> None:
    ann, bob = GuardedEngine(engine, ANN), GuardedEngine(engine, BOB)
    with ann.begin_upload("x.csv", 3) as coming:
        coming.write(b"a,b")
        kept = coming.finish()
    assert ann.upload(kept.id).sha256 == kept.sha256
    with pytest.raises(UploadNotFound):
        bob.upload(kept.id)
    with pytest.raises(UploadNotFound):
        bob.delete_upload(kept.id)
    ann.delete_upload(kept.id)


def test_the_trail_says_who_did_what(engine: Engine, run_id: str) -> None:
    ann, host = GuardedEngine(engine, ANN), GuardedEngine(engine, HOST)
    for _ in range(3):
        ann.run(run_id)
    list(ann.download(run_id, "csv"))  # type: ignore[arg-type]
    ann.describe(run_id, name="for the board")
    share, key = ann.share_link(run_id)
    GuardedEngine(engine, replace(BOB, keys=frozenset((key,)))).results(run_id)
    ann.unshare(run_id, share.id)
    ann.delete(run_id)
    done = [(each.visitor_name, each.action) for each in host.audit()[::-1]]
    actions = ["checked", "ran", "saw", "downloaded", "described", "shared"]
    expected = [*(("Ann", action) for action in actions), ("Bob", "saw"), ("Ann", "unshared"), ("Ann", "deleted")]
    assert done == expected
    assert {each.model_id for each in host.audit()} == {MODEL}
    assert len(host.audit(AuditSearch(visitor="bob"))) == 1
    assert len(host.audit(AuditSearch(action="ran", run_id=run_id))) == 1
    assert [each.action for each in host.audit(limit=1, offset=1)] == ["unshared"]
    assert "patients" not in str(host.audit()), "no file's name"
    assert key not in str(host.audit()), "no key"
    with pytest.raises(NotAllowed):
        ann.audit()
    age(engine, audit, days=400, column="at")
    engine.sweep()
    assert host.audit() == ()


def test_the_trail_says_what_leaves_no_run_and_what_hosts_do(engine: Engine, run_id: str) -> None:
    ann, host = GuardedEngine(engine, ANN), GuardedEngine(engine, HOST)
    for _ in range(2):
        with ann.begin_upload("secret.csv", 1) as coming:
            coming.write(b"a")
            coming.finish()
    ann.report(run_id)
    ann.took_numbers(run_id)
    token, words = ann.make_token("nightly", ["read"])
    before = host.count_audit()
    host.results(run_id)
    host.cancel(run_id)
    host.revoke_token(token.id)
    (page,) = host.download_audit(AuditSearch(since=datetime.now(UTC).date().isoformat()))
    GuardedEngine(engine, THE_COMMAND_LINE).delete(run_id)
    with pytest.raises(RunNotFound):
        ann.took_numbers(run_id)
    done = [(each.visitor_name, each.action, each.detail) for each in host.audit()[::-1]]
    assert done[before - 4 :] == [
        ("Ann", "uploaded", ""),
        ("Ann", "downloaded", "report"),
        ("Ann", "downloaded", "a chart's numbers"),
        ("Ann", "made a token", f"{token.id}, read"),
        ("Eve", "saw", "as host"),
        ("Eve", "cancelled", "as host"),
        ("Eve", "revoked a token", token.id),
        ("Eve", "downloaded", "the trail"),
        ("the command line", "deleted", "as host"),
    ]
    assert words not in str(done)
    assert "secret" not in str(done)
    assert [*page] == [*host.audit(limit=100, offset=1)], "what was done until it was asked for"
    assert host.count_audit(AuditSearch(since="2999-01-01")) == 0


def test_the_whole_trail_comes_a_page_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.access.audit._AT_ONCE", 2)
    host = GuardedEngine(engine, HOST)
    trail = engine.access()[2]
    for number in range(5):
        trail.note(ANN, f"did {number}")
    pages = host.download_audit(AuditSearch(visitor="ann"))
    first = next(pages)
    trail.note(ANN, "did 6")
    rest = [entry.action for page in pages for entry in page]
    assert [entry.action for entry in first] + rest == [f"did {number}" for number in range(5)][::-1]


def age(engine: Engine, table: sa.Table, *, days: float, column: str = "expires") -> None:
    """Makes everything in the table so many days older."""
    with engine.access()[0]._database.speaking("written") as connection:
        for row in connection.execute(sa.select(table)).mappings().all():
            older = (datetime.fromisoformat(row[column]) - timedelta(days=days)).isoformat()
            key = next(iter(table.primary_key))
            connection.execute(sa.update(table).where(key == row[key.name]).values({column: older}))
