"""Downloads, templates and pictures over HTTP: what comes, what is refused, with which headers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from dashboard.access.security import SecurityHeaders
from dashboard.routes.fetching import (
    EXCEPTION_HANDLERS,
    ROUTES,
    download_path,
    picture_path,
    report_path,
    template_path,
)
from engine import Engine, Filter, Run, Source

FinishedRun = Callable[..., Run]


@pytest.fixture
def client(shared_engine: Engine) -> Iterator[TestClient]:
    """A client of the routes as dashboard/app.py mounts them, without Streamlit around them."""
    app = Starlette(routes=ROUTES, middleware=[Middleware(SecurityHeaders)], exception_handlers=EXCEPTION_HANDLERS)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "xlsx"])
def test_download_comes_from_disk_uncompressed(
    client: TestClient, shared_engine: Engine, finished_run: FinishedRun, suffix: str
) -> None:
    run = finished_run("diabetes-progression")
    name = shared_engine.download_name(run.id, suffix)
    answer = client.get(download_path(run.id, name), headers={"accept-encoding": "gzip"})

    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.content == shared_engine.export(run.id, suffix).read_bytes()
    if suffix == "csv":
        assert pl.read_csv(io.BytesIO(answer.content)).height == run.rows_total


def test_a_choice_of_rows_and_columns_is_downloaded(
    client: TestClient, shared_engine: Engine, finished_run: FinishedRun
) -> None:
    run = finished_run("breast-cancer", 1)
    where = (Filter("prediction", "in", ("benign",)), Filter("confidence", "bin", (0.9, 1.1)))
    name = shared_engine.download_name(run.id, "csv")
    path = download_path(run.id, name, where, ["row", "diagnosis", "confidence"])
    whole = shared_engine.results(run.id).scan().collect()
    expected = whole.filter((pl.col("prediction") == "benign") & (pl.col("confidence") >= 0.9))
    first, again = client.get(path), client.get(path)

    found = pl.read_csv(io.BytesIO(first.content))
    assert found.columns == ["row", "diagnosis", "confidence"]
    assert found["row"].to_list() == expected["row"].to_list()
    assert again.content == first.content
    assert int(again.headers["content-length"]) == len(first.content)  # made once, then its size is known


@pytest.mark.parametrize("query", ["f=price~in~3", "f=confidence~between~a~b", "c=price"])
def test_a_choice_that_is_not_there_is_refused(client: TestClient, finished_run: FinishedRun, query: str) -> None:
    run = finished_run("diabetes-progression")

    assert client.get(f"/download/{run.id}/x.csv?{query}").status_code == 422


@pytest.mark.parametrize(("save", "kind"), [(False, "inline"), (True, "attachment")])
def test_a_report_has_an_origin_of_its_own(
    client: TestClient, finished_run: FinishedRun, save: bool, kind: str
) -> None:
    run = finished_run("diabetes-progression")
    answer = client.get(report_path(run.id, save=save))

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-disposition"] == f'{kind}; filename="diabetes-progression_patients.html"'
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert run.id in answer.text


def test_a_report_of_a_file_with_any_name(client: TestClient, shared_engine: Engine) -> None:
    (sample,) = shared_engine.sample_sources("diabetes-progression", "30 patients")
    run = shared_engine.check("diabetes-progression", [Source('患者 "é".csv', sample.path)])
    shared_engine.submit(run.id)
    shared_engine.wait(run.id)
    answer = client.get(report_path(run.id, save=True))

    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="diabetes-progression_')
    assert "患者" in answer.text


def test_a_run_without_results_has_no_report(client: TestClient, shared_engine: Engine) -> None:
    sources = shared_engine.sample_sources("diabetes-progression", "30 patients")
    run = shared_engine.check("diabetes-progression", sources)
    answer = client.get(report_path(run.id))

    assert answer.status_code == 409
    assert "has no results yet" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/download/" + "a" * 26 + "/x.csv", 404, "There is no run"),
        ("/download/..%2f..%2fetc/x.csv", 404, ""),
        ("/download/", 404, "There is nothing here."),
        ("/download/a/b/c", 404, "There is nothing here."),
        ("/report/" + "a" * 26, 404, "There is no run"),
        ("/report/a/b", 404, "There is nothing here."),
        ("/template/no-such-model", 404, "There is no model 'no-such-model'."),
        ("/image/" + "a" * 26 + "/1", 404, "There is no run"),
        ("/image/x/not-a-number", 404, "There is nothing here."),
    ],
)
def test_what_is_not_there_is_a_plain_404(client: TestClient, path: str, status: int, words: str) -> None:
    answer = client.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert words in answer.text


def test_unknown_format_and_unfinished_run_are_refused(
    client: TestClient, shared_engine: Engine, finished_run: FinishedRun
) -> None:
    done = finished_run("diabetes-progression")
    title = shared_engine.samples("diabetes-progression")[0].title
    sources = shared_engine.sample_sources("diabetes-progression", title)
    checked = shared_engine.check("diabetes-progression", sources)

    assert client.get(f"/download/{done.id}/x.exe").status_code == 422
    assert client.get(f"/download/{checked.id}/x.csv").status_code == 409


def test_template_is_a_file_to_fill_in(client: TestClient) -> None:
    answer = client.get(template_path("diabetes-progression"))

    assert answer.headers["content-disposition"] == 'attachment; filename="diabetes-progression-template.csv"'
    assert answer.text.splitlines()[0].startswith("age,sex,bmi")


def test_pictures_small_and_whole(client: TestClient, shared_engine: Engine, finished_run: FinishedRun) -> None:
    run = finished_run("digits", sample=1)
    broken = next(problem.row for problem in run.report.problems if problem.row is not None)

    assert client.get(picture_path(run.id, 1, small=True)).headers["content-type"] == "image/webp"
    assert client.get(picture_path(run.id, 1, small=False)).headers["content-type"] == "image/png"
    assert client.get(picture_path(run.id, 999, small=True)).status_code in (404, 409)
    assert client.get(picture_path(run.id, broken, small=True)).status_code == 404


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    headers = client.get("/download/").headers

    assert "img-src 'self' data: blob:" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_what_nobody_foresaw_is_an_incident_without_details(
    client: TestClient, shared_engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(shared_engine, "owner_of", fail)
    answer = client.get("/download/x/y.csv")

    assert answer.status_code == 500
    assert answer.text.startswith("Something went wrong. Incident ")
    assert "secret" not in answer.text
    assert answer.text[-7:-1] in caplog.text
