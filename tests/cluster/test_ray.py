"""Runs on a real Ray cluster of two nodes: the local backend's bytes, whatever becomes of a node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Options, Run, Settings, Source
from engine.settings import BUNDLED_MODELS
from tests.engine.test_life import begun, undisturbed, until
from tests.engine.trouble import write_rows, write_trouble
from tests.pool import open_engine, pool

ray = pytest.importorskip("ray", reason="pip install -r requirements-cluster.txt")
pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]
SMALL = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@pytest.fixture(scope="module")
def cluster(s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head that predicts nothing, and two nodes of one core, which know the S3 server and have a home."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORELIGHT_HOME", str(tmp_path_factory.mktemp("node")))
        found = Cluster(initialize_head=True, head_node_args={**SMALL, "num_cpus": 0, "include_dashboard": False})
        found.add_node(**SMALL)
        found.add_node(**SMALL)
        found.wait_for_nodes()
        yield found
        ray.shutdown()
        found.shutdown()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("ray")
    models = write_trouble(folder / "models")
    code = models / "dying" / "model.py"
    code.write_text(code.read_text().replace("SIGSEGV", "SIGKILL"))  # Ray catches the other one, and goes on a while
    return Settings(home=folder / "home", models=(models, BUNDLED_MODELS), accelerator="cpu")


@pytest.fixture
def local(settings: Settings) -> Iterator[Engine]:
    engine = open_engine(settings)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def remote(settings: Settings, cluster: Any) -> Iterator[Engine]:
    """An engine whose runs go to the cluster, and which keeps all of it: its actors load torch once."""
    own = {"backend": "ray", "ray_address": cluster.address, "devices": "all"}
    engine = Engine(settings.model_copy(update=own), pool=pool())
    yield engine
    engine.close()


def predicted(engine: Engine, model_id: str, path: Path, **options: object) -> Run:
    run = engine.check(model_id, [Source(path.name, path)])
    engine.submit(run.id, Options.model_validate({"on_error": "report", **options}))
    ended = engine.wait(run.id, 120)
    assert ended.state == "done", ended.error
    return ended


def test_runs_of_the_cluster_are_kept_on_an_object_store(
    settings: Settings, cluster: Any, s3: Any, tmp_path: Path
) -> None:
    """Comes first: its engine takes the whole cluster, and gives it back."""
    s3.makedirs("lab", exist_ok=True)
    for path in (BUNDLED_MODELS / "diabetes-progression").glob("*.*"):
        s3.put(str(path), f"lab/models/remote/{path.name}")
    shared = {
        "storage": "s3://lab/runs",
        "database_url": f"sqlite:///{tmp_path / 'forelight.db'}",
        "models": ("s3://lab/models", *settings.models),
    }
    own = {**shared, "backend": "ray", "ray_address": cluster.address, "devices": "all"}
    first = Engine(settings.model_copy(update=own), pool=pool())
    second = open_engine(settings.model_copy(update={**shared, "home": tmp_path / "elsewhere"}))
    run = predicted(first, "remote", BUNDLED_MODELS / "diabetes-progression" / "samples" / "patients.csv")
    assert second.export(run.id, "csv").read_bytes() == first.export(run.id, "csv").read_bytes()
    for engine in (first, second):
        engine.close()


@pytest.mark.parametrize("model_id", ["breast-cancer", "diabetes-progression", "digits", "lorenz-state"])
def test_the_bytes_are_the_local_ones(local: Engine, remote: Engine, model_id: str) -> None:
    title = local.samples(model_id)[0].title
    sources = local.sample_sources(model_id, title)
    files = []
    for engine in (local, remote):
        run = engine.check(model_id, sources)
        engine.submit(run.id, Options(on_error="report", batch_size=8 if model_id != "lorenz-state" else None))
        assert engine.wait(run.id, 120).state == "done", engine.run(run.id).error
        files.append(engine.export(run.id, "csv").read_bytes())
    assert files[0] == files[1]


def test_both_nodes_predict_and_a_lost_one_costs_its_shards(
    local: Engine, remote: Engine, cluster: Any, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows.csv", 20_000)
    expected = undisturbed(local, path)
    run = begun(remote, path)
    backend: Any = remote._open().backend
    assert backend.devices == 2
    until(remote, run.id, lambda _: len(backend._active[run.id].in_flight) == 2, seconds=180)
    lost = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
    cluster.remove_node(lost, allow_graceful=False)
    ended = remote.wait(run.id, 120)
    assert (ended.state, ended.rows_done) == ("done", 20_000), ended.error
    assert remote.export(run.id, "csv").read_bytes() == expected, "no row twice, none lost"

    run = begun(remote, path)
    cluster.add_node(**SMALL)
    cluster.wait_for_nodes()
    until(remote, run.id, lambda run: run.ended or len(backend._active[run.id].in_flight) == 2, seconds=180)
    assert not remote.run(run.id).ended, "a node that comes in the middle takes its part"
    remote.cancel(run.id)
    remote.wait(run.id, 20)


def test_cancel_reaches_the_nodes_and_what_is_left_goes_on_anywhere(
    local: Engine, remote: Engine, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows.csv", 10_000)
    run = begun(remote, path)
    remote.cancel(run.id)
    cancelled = remote.wait(run.id, 20)
    assert cancelled.state == "cancelled"
    assert 0 < cancelled.rows_done < 10_000
    assert remote.results(run.id).n_rows == cancelled.rows_done
    local.resume(run.id)
    assert local.wait(run.id, 60).state == "done", "the folder is enough for another backend"
    assert local.export(run.id, "csv").read_bytes() == undisturbed(local, path)


def test_a_batch_that_takes_too_long_on_a_node_is_not_waited_for(remote: Engine, tmp_path: Path) -> None:
    run = remote.check("stuck", [Source("rows.csv", write_rows(tmp_path / "rows.csv", 100))])
    remote.submit(run.id, Options(batch_size=50))
    until(remote, run.id, lambda run: run.stage == "Predicting")
    remote.cancel(run.id)
    assert remote.wait(run.id, 20).state == "cancelled"
    assert predicted(remote, "slow", write_rows(tmp_path / "more.csv", 200)).rows_done == 200, "the device goes on"


def test_a_row_that_ends_the_process_fails_its_run_alone(remote: Engine, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", 400, {300: 666})
    run = remote.check("dying", [Source(path.name, path)])
    remote.submit(run.id, Options(batch_size=50))
    ended = remote.wait(run.id, 120)
    assert ended.state == "failed"
    assert "ended 2 times" in ended.error
    assert predicted(remote, "slow", write_rows(tmp_path / "more.csv", 200)).rows_done == 200


def test_a_device_that_is_lost_costs_its_process_and_no_row(remote: Engine, tmp_path: Path) -> None:
    run = predicted(remote, "poisoned", write_rows(tmp_path / "rows.csv", 400, {300: 666}), batch_size=50)
    assert (run.rows_done, run.rows_failed) == (400, 0)


def test_what_a_person_waits_for_is_done_here(remote: Engine) -> None:
    assert remote.facts("diabetes-progression").parameters > 0
    sources = remote.sample_sources("diabetes-progression", remote.samples("diabetes-progression")[0].title)
    _, lines = remote.predict_now("diabetes-progression", sources)
    assert len(lines) > 0
