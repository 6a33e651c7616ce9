"""Files on their way from a real browser to a real server's disk: seen coming, broken off, many at once, removed."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from engine.settings import BUNDLED_MODELS
from tests.browser.serving import served

SAMPLES = BUNDLED_MODELS / "diabetes-progression" / "samples"
PATIENTS = SAMPLES / "patients.csv"
MIB = 2**20
MOST_GROWTH = 200 * MIB


class Host:
    """A server of its own, and what lies on its disk."""

    def __init__(self, address: str, home: Path, pid: int) -> None:
        self.address, self.uploads, self.process = address, home / "uploads", psutil.Process(pid)

    def files(self) -> list[Path]:
        """Every upload, whole or not."""
        found = self.uploads.rglob("*")
        return [path for path in found if path.is_file() and path.suffix not in (".lock", ".json")]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    home = tmp_path_factory.mktemp("home")
    with served(home, forked=True, max_file_bytes=400 * MIB) as (address, process):
        yield Host(address, home, process.pid)


@pytest.fixture
def page(browser: Browser, host: Host) -> Iterator[Page]:
    """A page of a new visitor, at the model for tables."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, base_url=host.address)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/?model=diabetes-progression")
    expect(page.get_by_role("button", name="Browse files")).to_be_visible()
    yield page
    context.close()


def slow(page: Page, bytes_a_second: int) -> CDPSession:
    """Sends no faster than that from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    session.send("Network.emulateNetworkConditions", conditions)
    return session


def wait_until(page: Page, true: Callable[[], bool]) -> None:
    """Lets the browser go on until it is so; fails after a minute."""
    for _ in range(600):
        if true():
            return
        page.wait_for_timeout(100)
    pytest.fail("it never came to that")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A table of 20 MB, and a bit."""
    path = tmp_path / "large.csv"
    path.write_bytes((PATIENTS.read_bytes() * 20_000)[: 20 * MIB])
    return path


def test_it_is_seen_coming_and_can_be_cancelled(page: Page, host: Host, large: Path) -> None:
    before = host.files()
    slow(page, 2 * MIB)
    page.locator("input[type=file]").set_input_files(large)
    bar = page.get_by_role("progressbar", name="large.csv")
    expect(bar).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d MB of 21 MB · \d+ s left"))).to_be_visible()
    expect(page.get_by_text("rows ready")).to_have_count(0)
    assert 0 < float(bar.evaluate("bar => bar.value")) < 1
    assert len(host.files()) == len(before) + 1

    page.get_by_role("button", name="Cancel large.csv").click()
    expect(bar).to_have_count(0)
    wait_until(page, lambda: host.files() == before)


def test_what_has_come_is_whole_and_checked(page: Page, host: Host) -> None:
    page.locator("input[type=file]").set_input_files(PATIENTS)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    content = PATIENTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() in {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in host.files()
    }


def test_a_browser_that_goes_away_leaves_nothing(page: Page, host: Host, large: Path) -> None:
    before = host.files()
    slow(page, 2 * MIB)
    page.locator("input[type=file]").set_input_files(large)
    wait_until(page, lambda: len(host.files()) == len(before) + 1)
    page.context.close()
    second = page.context.browser
    assert second is not None
    idle = second.new_page()
    wait_until(idle, lambda: host.files() == before)
    idle.close()


def test_a_connection_that_breaks_is_said_and_tried_again(page: Page, host: Host) -> None:
    page.route("**/upload?name=*", lambda route: route.abort("connectionreset"))
    page.locator("input[type=file]").set_input_files(PATIENTS)
    expect(page.get_by_role("alert").get_by_text("The connection broke off.")).to_be_visible()
    page.unroute("**/upload?name=*")
    page.get_by_role("button", name="Try patients.csv again").click()
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    expect(page.get_by_text("The connection broke off.")).to_have_count(0)


def test_what_the_server_refuses_is_said_in_its_words(page: Page) -> None:
    words = "The server's disk is full."
    page.route("**/upload?name=*", lambda route: route.fulfill(status=507, json={"error": words}))
    page.locator("input[type=file]").set_input_files([PATIENTS, SAMPLES / "patients-with-outcome.csv"])
    expect(page.get_by_text(words)).to_have_count(2)
    expect(page.get_by_text("rows ready")).to_have_count(0)
    page.unroute("**/upload?name=*")
    page.get_by_role("button", name="Try patients.csv again").click()
    page.get_by_role("button", name="Remove patients-with-outcome.csv").click()
    expect(page.get_by_text("30 rows ready")).to_be_visible()


def test_a_file_above_the_limit_is_not_sent(page: Page, host: Host, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(400 * MIB + 1)
    before = host.files()
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("One file may have 419 MB.")).to_be_visible()
    assert host.files() == before


def test_files_are_added_and_removed(page: Page, host: Host) -> None:
    before = host.files()
    page.locator("input[type=file]").set_input_files(PATIENTS)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    page.locator("input[type=file]").set_input_files(SAMPLES / "patients-with-outcome.csv")
    expect(page.get_by_text("119 rows ready")).to_be_visible()
    page.get_by_role("button", name="Remove patients.csv").click()
    expect(page.get_by_text("89 rows ready")).to_be_visible()
    page.get_by_role("button", name="Use other files").click()
    expect(page.get_by_role("button", name="30 patients")).to_be_visible()
    expect(page.get_by_text("patients-with-outcome.csv")).to_have_count(0)
    wait_until(page, lambda: host.files() == before)


def test_what_has_come_outlives_a_reload_and_other_pages(page: Page) -> None:
    page.locator("input[type=file]").set_input_files(PATIENTS)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    page.reload()
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    expect(page.get_by_role("button", name="Remove patients.csv")).to_be_visible()


def test_it_goes_on_while_other_pages_are_looked_at(page: Page, large: Path) -> None:
    session = slow(page, 2 * MIB)
    page.locator("input[type=file]").set_input_files([large, PATIENTS])
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_role("progressbar", name="large.csv")).to_be_visible()
    page.get_by_role("button", name="Cancel large.csv").click()
    session.detach()
    expect(page.get_by_text("30 rows ready")).to_be_visible()


def test_what_was_predicted_is_not_offered_again(page: Page, host: Host) -> None:
    before = host.files()
    page.locator("input[type=file]").set_input_files(PATIENTS)
    page.get_by_role("button", name="Predict 30 rows").click()
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    assert host.files() == before
    page.reload()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_text("Drop your files here")).to_be_visible()
    expect(page.get_by_text("patients.csv")).to_have_count(0)


COUNT_UNDER_WAY = """
window.most = 0;
let under = 0;
for (const [name, before] of Object.entries({ open: (request) => request.addEventListener("load", () => (under -= 1)),
                                              send: () => (window.most = Math.max(window.most, (under += 1))) })) {
    const real = XMLHttpRequest.prototype[name];
    XMLHttpRequest.prototype[name] = function (...given) { before(this); return real.apply(this, given); };
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hundred pictures in folders that are their labels, and what systems leave behind in folders."""
    source = BUNDLED_MODELS / "digits" / "samples" / "digits-in-folders.zip"
    folder = tmp_path / "digits"
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
        for number in range(200):
            name = Path(names[number % len(names)])
            path = folder / name.parent / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(str(name)))
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "0" / "Thumbs.db").write_bytes(b"x")
    return folder


def test_a_folder_of_pictures_is_one_line(page: Page, folder: Path) -> None:
    page.add_init_script(COUNT_UNDER_WAY)
    page.goto("/?model=digits")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.get_by_text("200 rows ready")).to_be_visible()
    rows = page.get_by_role("list", name="Your files").get_by_role("listitem")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("digits")
    expect(rows).to_contain_text("200 files")
    expect(page.get_by_text("The folders' names are the labels")).to_be_visible()
    assert 1 < page.evaluate("window.most") <= 4
    page.get_by_role("button", name="Remove digits").click()
    expect(page.get_by_text("Drop your files here")).to_be_visible()


def test_those_that_did_not_come_are_counted_and_left_out(page: Page, folder: Path) -> None:
    page.goto("/?model=digits")
    page.route("**/upload?name=*007.png", lambda route: route.abort("connectionreset"))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.get_by_text("1 file did not come: The connection broke off.")).to_be_visible()
    page.get_by_role("button", name="Go on without").click()
    expect(page.get_by_text("199 rows ready")).to_be_visible()


def test_dropped_files_come(page: Page) -> None:
    page.get_by_text("Drop your files here").evaluate(
        """(words, text) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], "dropped.csv"));
            const zone = words.closest(".drop");
            for (const kind of ["dragenter", "dragover", "drop"])
                zone.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        PATIENTS.read_text(),
    )
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    expect(page.get_by_role("button", name="Remove dropped.csv")).to_be_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    browse = page.get_by_role("button", name="Browse files")
    with page.expect_file_chooser() as chooser:
        browse.press("Enter")  # not the bare keyboard, whose keys overtake the order to catch the chooser
    chooser.value.set_files(PATIENTS)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    page.get_by_role("button", name="Remove patients.csv").press("Enter")
    expect(browse).to_be_focused()


def test_a_name_is_shown_letter_by_letter(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=document.title='ran'> **&amp;.csv"
    path.write_bytes(PATIENTS.read_bytes())
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("30 rows ready")).to_be_visible()
    expect(page.get_by_text(path.name, exact=True)).to_be_visible()
    assert page.title() != "ran"


def test_pictures_may_come_from_a_camera(page: Page) -> None:
    page.goto("/?model=digits")
    expect(page.locator("input[type=file]")).to_have_attribute("accept", re.compile("image/jpeg"))


def test_the_servers_memory_does_not_grow_with_the_file(page: Page, host: Host, tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        file.truncate(390 * MIB)
    before = most = host.process.memory_info().rss
    page.locator("input[type=file]").set_input_files(path)
    done = page.get_by_role("button", name="Remove big.bin")
    while not done.is_visible():
        most = max(most, host.process.memory_info().rss)
    assert most - before < MOST_GROWTH
    page.get_by_role("button", name="Use other files").click()
    expect(page.get_by_text("Drop your files here")).to_be_visible()


def test_what_comes_next_is_on_a_phones_screen(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    digits = page.get_by_role("radio", name="Handwritten digits")
    page.get_by_role("searchbox", name="Search").fill("pict DIGIT")
    expect(page.get_by_role("radio", name="Penguins")).to_be_hidden()
    page.get_by_role("searchbox", name="Search").fill("")
    digits.click(force=True)
    expect(page.get_by_text("Drop your files here")).to_be_in_viewport()
    page.get_by_role("button", name="60 digits in folders").click()
    expect(page.get_by_role("button", name="Predict 60 rows")).to_be_in_viewport()
    expect(digits).to_have_count(0)
    page.get_by_role("button", name="Choose another model").click()
    expect(digits).to_be_checked()
