"""The report in a browser that is offline: it draws, asks nobody, and nothing of a visitor's is obeyed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from engine.report import write_report
from engine.report.figures import Chart
from engine.report.page import chart_json
from engine.settings import BUNDLED_MODELS
from engine.views import (
    Against,
    ClassAreas,
    ClassBalance,
    Confidence,
    Distribution,
    EmbeddingMap,
    ForecastLines,
    FoundObjects,
    Gallery,
    LabelCounts,
    LabelsTogether,
    SeriesLines,
)
from tests.browser.serving import ROOT
from tests.conftest import Predicting

FILES = {
    "breast-cancer": "biopsies-with-diagnosis.csv",
    "cifar10": "cat.jpg",
    "diabetes-progression": "patients-with-outcome.csv",
    "digits": "digits-one-broken.zip",
    "digit-finder": "pages-with-boxes.zip",
    "digit-space": "digits-one-broken.zip",
    "el-nino": "sea-temperatures-and-later.csv",
    "lorenz-state": "25-series.csv",
    "yeast-genes": "genes.csv",
    "notes": "pages-with-masks.zip",
}
HOSTILE = (
    "<script>document.title='obeyed'</script>",
    "</script><img src=x onerror=\"document.title='obeyed'\">",
    "\"><svg onload=document.title='obeyed'>",
    "{{ 7 * 191 }} ${7*191} $\\frac{1}{2}$",
    "![x](http://evil.example/x.png) <a href='javascript:document.title=1'>y</a>",
)
# What a page asks further questions with (a threshold, a review, extremes) stays on the page.
DRAWN = (
    Against,
    ClassAreas,
    ClassBalance,
    Confidence,
    Distribution,
    EmbeddingMap,
    ForecastLines,
    FoundObjects,
    LabelCounts,
    LabelsTogether,
    SeriesLines,
)


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page without any network; `asked` keeps what it wanted, `wrong` what its console complained of."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    yield page
    context.close()


def opened(page: Page, path: Path) -> tuple[list[str], list[str]]:
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    return [each for each in asked if not each.startswith(("file:", "data:", "blob:"))], wrong


def sample(model_id: str) -> Path:
    return BUNDLED_MODELS / model_id / "samples" / FILES[model_id]


@pytest.mark.parametrize("model_id", FILES)
def test_every_model_has_a_report_that_draws_offline(
    predicting: Predicting, offline: Page, tmp_path: Path, model_id: str
) -> None:
    results = predicting.results(model_id, [sample(model_id)], on_error="report")
    asked, wrong = opened(offline, write_report(results, tmp_path / "report.html"))
    charts = [view for view in results.views if isinstance(view, DRAWN)]
    expect(offline.locator(".chart .main-svg").first).to_be_visible()
    assert offline.locator(".chart.js-plotly-plot").count() == len(charts)
    for place in range(len(charts)):
        marks = offline.locator(".chart").nth(place).locator(".points path, .scatterlayer path, .heatmaplayer image")
        assert marks.count() > 0, f"chart {place} is empty"
    assert offline.locator(".pictures img").count() == min(24, results.count() - results.run.rows_failed) * (
        any(isinstance(view, Gallery) for view in results.views)
    )
    assert offline.locator("table.rows tbody tr").count() == min(50, results.count())
    assert offline.locator("table.rows tr.failed").count() == min(50, results.run.rows_failed)
    for value in (results.run.id, results.run.checkpoint_sha256, results.run.card_sha256, results.card.title):
        expect(offline.locator("main").get_by_text(value, exact=True).first).to_be_visible()
    assert not asked
    assert not wrong


def test_other_columns_and_series_can_be_chosen(predicting: Predicting, offline: Page, tmp_path: Path) -> None:
    results = predicting.results("diabetes-progression", [sample("diabetes-progression")])
    opened(offline, write_report(results, tmp_path / "report.html"))
    chart = offline.locator(".chart").last
    expect(chart.locator(".xtitle")).to_contain_text("age")
    before = chart.locator(".points path").first.get_attribute("transform")
    offline.locator("select").select_option(label="bmi")
    expect(chart.locator(".xtitle")).to_contain_text("bmi (kg/m²)")
    assert chart.locator(".points path").first.get_attribute("transform") != before


def test_hostile_names_and_cells_are_only_shown(predicting: Predicting, offline: Page, tmp_path: Path) -> None:
    frame = pl.read_csv(sample("diabetes-progression"), infer_schema=False)
    numbers = range(len(frame))
    for name in HOSTILE:
        frame = frame.with_columns(pl.Series(name, [HOSTILE[number % len(HOSTILE)] for number in numbers]))
    frame = frame.with_columns(
        pl.when(pl.arange(0, pl.len()) == 3).then(pl.lit(HOSTILE[0])).otherwise("bmi").alias("bmi")
    )
    path = tmp_path / "<img src=x onerror=document.title='obeyed'>.parquet"
    frame.write_parquet(path)
    results = predicting.results("diabetes-progression", [path], on_error="report")
    asked, wrong = opened(offline, write_report(results, tmp_path / "report.html"))
    expect(offline.locator(".chart .main-svg").first).to_be_visible()
    assert offline.title().startswith("Diabetes progression")
    assert offline.locator("svg[onload], img[onerror], a[href^=javascript], table script").count() == 0
    shown = offline.locator("table.rows thead th").all_inner_texts()
    assert set(HOSTILE) <= set(shown)
    assert offline.locator("table.rows tr.failed").count() == 1
    expect(offline.locator("header")).to_contain_text(path.name)
    assert not asked
    assert not wrong


def test_no_text_in_a_figure_ends_its_script_element() -> None:
    figure = go.Figure(go.Bar(x=[1], y=[HOSTILE[1]], name=HOSTILE[0]))
    text = chart_json(Chart("", "", figure))
    assert not set("<>&") & set(text)
    assert json.loads(text)["figure"]["data"][0]["name"] == HOSTILE[0]


def test_the_policy_refuses_any_other_script(predicting: Predicting, offline: Page, tmp_path: Path) -> None:
    """Were a text ever not escaped, it would still not run."""
    results = predicting.results("diabetes-progression", [sample("diabetes-progression")])
    path = write_report(results, tmp_path / "report.html")
    broken = path.read_text().replace("<main>", f"<main>{HOSTILE[0]}<img src=x onerror=\"document.title='obeyed'\">", 1)
    path.write_text(broken)
    opened(offline, path)
    expect(offline.locator(".chart .main-svg").first).to_be_visible()
    assert offline.title().startswith("Diabetes progression")


def test_it_prints(predicting: Predicting, offline: Page, tmp_path: Path) -> None:
    results = predicting.results("breast-cancer", [sample("breast-cancer")])
    opened(offline, write_report(results, tmp_path / "report.html"))
    expect(offline.locator(".chart .main-svg").first).to_be_visible()
    offline.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    offline.emulate_media(media="print")
    assert offline.locator(".far").first.is_hidden()
    expect(offline.locator(".paper-only")).to_be_visible()


def test_the_command_line_writes_it(predicting: Predicting, tmp_path: Path) -> None:
    run = predicting.run("diabetes-progression", [sample("diabetes-progression")])
    home = predicting.engine.settings.home
    command = [sys.executable, "-m", "engine", "report", run.id, "-o", str(tmp_path / "report.html")]
    environment = {"FORELIGHT_HOME": str(home), "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run.id in (tmp_path / "report.html").read_text(encoding="utf-8")
