"""Starts a dashboard as `make run` does, on a free port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.forking import place

ROOT = Path(__file__).parents[2]
START_SECONDS = 120


@contextmanager
def serve(home: Path, **settings: object) -> Iterator[str]:
    """The address of a dashboard with the bundled models, whose runs live in `home`."""
    with served(home, **settings) as (address, _):
        yield address


@contextmanager
def served(
    home: Path,
    port: int | None = None,
    options: Sequence[str] = (),
    *,
    log: str = "log",
    forked: bool = False,
    **settings: object,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same, and the process, for those who want to watch or kill it. `options` are Streamlit's, `log` is a file.

    `forked`: its workers need not load torch, which all tests but those of the main job can do without.
    """
    port = port or free_port()
    place()
    own = {f"FORELIGHT_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {**os.environ, "FORELIGHT_HOME": str(home), "FORELIGHT_ACCELERATOR": "cpu", **own}
    program = ["tests.forked", "streamlit"] if forked else ["streamlit"]
    command = [sys.executable, "-m", *program, "run", "dashboard/app.py", "--server.port", str(port), *options]
    with (home / log).open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_it_answers(f"{address}/_stcore/health", process, home / log)
            yield address, process
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def settled(page: Page) -> None:
    """Waits until the page's script has ended."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def click_mark(page: Page, mark: Locator) -> None:
    """Clicks on a bar or a point of a chart: Plotly knows which it is once the mouse has rested over it."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y, steps=4)
    page.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(x, y)


def card(page: Page, name: str) -> Locator:
    """The figure on the card whose name begins so."""
    metric = page.get_by_test_id("stMetric").filter(has_text=re.compile(rf"^{re.escape(name)}"))
    return metric.get_by_test_id("stMetricValue").first


def shown(page: Page, name: str) -> str:
    """What that figure says."""
    return card(page, name).inner_text()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when that address says 200; RuntimeError with the log where the process never comes so far."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"it did not start:\n{log.read_text()}")
