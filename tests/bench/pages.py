"""The pages in a real browser: answers during a prediction, a million rows explored, what an upload costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from engine import Engine, Settings
from engine.settings import BUNDLED_MODELS
from tests.bench.memory import held
from tests.browser.install import installed
from tests.browser.serving import served
from tests.engine.trouble import write_rows, write_trouble
from tests.million import make_model, make_run

CLICKS = 10
_CHANGED = """before => {
    const cell = document.querySelector("[data-testid=glide-cell-1-0]");
    return cell && cell.textContent !== before;
}"""
_SORTS = ("debt", "income", "confidence", "late_payments", "probability_default")
_QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"


def pages(rows: int, megabytes: int) -> str:
    """The figures as a section of the report."""
    expect.set_options(timeout=120_000)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        folder = Path(temporary)
        busy = _busy(browser, folder / "busy")
        table = _table(browser, folder / "table", rows)
        upload = _upload(browser, folder / "upload", megabytes)
        browser.close()
    return "\n".join(
        (
            "## The pages in a browser",
            "",
            f"Headless Chromium on the server's own cores. Medians of {CLICKS}, from the click to what was asked.",
            "",
            busy,
            "",
            *table,
            "",
            upload,
        )
    )


def _busy(browser: Browser, folder: Path) -> str:
    """A click on another model, without and during a prediction."""
    folder.mkdir()
    models = f"{write_trouble(folder / 'models')}:{BUNDLED_MODELS}"
    rows = write_rows(folder / "rows.csv", 3_000_000)
    with served(folder, models=models, devices=1) as (address, _), _page(browser, address) as page:
        idle = statistics.median(_clicks(page))
        other = page.context.new_page()
        other.goto("/?model=slower")
        other.locator("input[type=file]").set_input_files(rows)
        other.get_by_role("button", name="Predict 3,000,000 rows").click()
        expect(other.get_by_text("Predicting")).to_be_visible()
        other.goto("about:blank")
        during = statistics.median(_clicks(page))
    return (
        f"An interaction: {idle * 1e3:.0f} ms, during a prediction {during * 1e3:.0f} ms: "
        f"**{during / idle:.2f}** times (≤ 1.5)."
    )


def _clicks(page: Page) -> list[float]:
    page.goto("/models")
    times = []
    for title in ("Handwritten digits", "Breast cancer biopsies") * (CLICKS // 2 + 1):
        choice = page.get_by_role("radio", name=title)
        times.append(_seconds(lambda c=choice: c.check(force=True), page, title))  # type: ignore[misc]
    return times[2:]


def _seconds(act: Callable[[], object], page: Page, heading: str) -> float:
    started = time.perf_counter()
    act()
    expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
    return time.perf_counter() - started


def _table(browser: Browser, folder: Path, rows: int) -> list[str]:
    """What a visitor does with a table of so many rows, what comes over the wire for it, what the server then holds."""
    folder.mkdir()
    models = make_model(folder / "models")
    engine = Engine(Settings(home=folder, models=(models,), accelerator="cpu"))
    run = make_run(engine, folder, rows)
    engine.close()
    with served(folder, models=models) as (address, process), _page(browser, address) as page:
        received: list[int] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
        acts: dict[str, Callable[[int], object]] = {
            "next page": lambda turn: page.get_by_role("button", name="Next page").click(),
            "sort": lambda turn: _choose(page, "Sort by", _SORTS[turn % len(_SORTS)]),
            "filter": lambda turn: _search(page, f"C-00{turn + 1}2"),
        }
        lines = [f"| {rows:,} rows × 12 columns | browser (≤ 1 s) | over the wire (≤ 200 kB) |", "|---|---|---|"]
        page.goto("/")
        page.wait_for_selector(_QUIET)
        before = peak = held(process.pid)
        page.goto(f"/result?run={run.id}")
        for tab in ("Evaluation", "Rows", "Charts"):  # by then the workers have loaded what they load at first
            page.get_by_role("tab", name=tab).click()
            page.get_by_test_id("stMetric").nth(3 if tab == "Charts" else 4).wait_for()
            page.wait_for_selector(_QUIET)
            peak = max(peak, held(process.pid))
        for name, act in acts.items():
            page.goto(f"/result?run={run.id}&tab=Table")
            page.get_by_test_id("glide-cell-1-0").wait_for(state="attached")
            page.wait_for_selector(_QUIET)
            _seconds_and_bytes(page, act, CLICKS - 1, received)  # not counted: a first time loads code
            found = [_seconds_and_bytes(page, act, turn, received) for turn in range(CLICKS)]
            seconds, octets = (statistics.median(each) for each in zip(*found, strict=True))
            peak = max(peak, held(process.pid))
            lines.append(f"| {name} | {seconds:.2f} s | {octets / 1000:.0f} kB |")
    grown = f"The server's memory grows by {(peak - before) >> 20} MiB while all that is looked at (≤ 100)."
    return [*lines, "", grown]


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def _search(page: Page, text: str) -> None:
    box = page.get_by_label("Search all texts")
    box.fill(text)
    box.press("Enter")


def _seconds_and_bytes(page: Page, act: Callable[[int], object], turn: int, received: list[int]) -> tuple[float, float]:
    """(seconds until the table's first cell is another one, bytes that came until the page was quiet)."""
    cell = page.get_by_test_id("glide-cell-1-0")
    before = cell.text_content()
    received.clear()
    started = time.perf_counter()
    act(turn)
    page.wait_for_function(_CHANGED, arg=before)
    seconds = time.perf_counter() - started
    page.wait_for_selector(_QUIET)
    return seconds, sum(received)


def _upload(browser: Browser, folder: Path, megabytes: int) -> str:
    """What the server's own memory grows by while a file comes."""
    folder.mkdir()
    path = folder / "large.csv"
    line = b"1,2,3,4\n" * 131_072
    with path.open("wb") as file:
        file.write(b"a,b,c,d\n")
        for _ in range(megabytes):
            file.write(line)
    with served(folder, models=write_trouble(folder / "models")) as (address, process), _page(browser, address) as page:
        page.goto("/?model=slow")
        page.wait_for_selector(_QUIET)
        before = peak = held(process.pid)
        started = time.perf_counter()
        with page.expect_response("**/upload*") as answer:
            page.locator("input[type=file]").set_input_files(path)
            while not list(folder.glob("uploads/*/*.json")) and time.perf_counter() - started < 300:
                peak = max(peak, held(process.pid))
                page.wait_for_timeout(100)
        seconds = time.perf_counter() - started
        assert answer.value.ok
    return (
        f"A CSV of {megabytes:,} MiB arrives in {seconds:.1f} s; the server's memory grows by "
        f"{(peak - before) >> 20} MiB meanwhile (≤ 200)."
    )


@contextmanager
def _page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(300_000)
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    print(pages(1_000_000, 2_048))
