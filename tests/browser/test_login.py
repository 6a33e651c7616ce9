"""A login through a real identity provider: who comes in, what they see, how a link survives it, and how they leave."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from engine.access import AuditTrail
from engine.runs.database import Database, database_url
from tests.browser.serving import free_port, served, wait_until_it_answers

PAGES = ("/", "/runs", "/models", "/try", "/tokens", "/compare", "/result?run=" + "a" * 26, "/nothing")
PEOPLE = (
    {"sub": "ann", "email": "ann@example.org", "email_verified": True},
    {"sub": "bob", "email": "bob@example.org", "email_verified": True},
    {"sub": "eve", "email": "eve@example.org", "email_verified": True},
    {"sub": "mallory", "email": "eve@example.org", "email_verified": False},
    {"sub": "zed", "email": "zed@elsewhere.net", "email_verified": True},
)


@dataclass(frozen=True)
class Site:
    """A dashboard with a login, and its home."""

    address: str
    home: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home, port = tmp_path_factory.mktemp("home"), free_port()
    with provider(home) as address:
        secrets = home / "secrets.toml"
        secrets.write_text(
            f"""
            [auth]
            redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
            cookie_secret = "{"s" * 32}"
            client_id = "forelight"
            client_secret = "secret"
            server_metadata_url = "{address}/.well-known/openid-configuration"
            """
        )
        options = ("--secrets.files", str(secrets))
        who = {"login": 1, "hosts": "eve@example.org", "visitors": "@example.org"}
        with served(home, port, options, forked=True, **who) as (found, _):
            yield Site(found, home)


@contextmanager
def provider(folder: Path) -> Iterator[str]:
    """The address of an identity provider that knows PEOPLE."""
    port = free_port()
    people = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    with (folder / "provider.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_it_answers(f"{address}/", process, folder / "provider.log")
            yield address
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def contexts(browser: Browser, site: Site) -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def ann(browser: Browser, site: Site, contexts: list[BrowserContext]) -> Page:
    return somebody(browser, site, contexts, "ann")


def fresh(browser: Browser, site: Site, contexts: list[BrowserContext]) -> Page:
    context = browser.new_context(base_url=site.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    contexts.append(context)
    return context.new_page()


def somebody(browser: Browser, site: Site, contexts: list[BrowserContext], who: str, path: str = "/") -> Page:
    """A browser in which that person has logged in, on the way to `path`."""
    page = fresh(browser, site, contexts)
    page.goto(path)
    log_in(page, who)
    return page


def log_in(page: Page, who: str) -> None:
    home = page.url.partition("//")[2].partition("/")[0]
    page.get_by_role("link", name="Log in").click()
    page.get_by_role("button", name=who, exact=True).click()
    page.wait_for_url(lambda address: address.startswith(f"http://{home}/") and "/oauth2callback" not in address)


def predicted(page: Page) -> str:
    """A finished run of whoever looks at the page; its address."""
    page.goto("/?model=breast-cancer")
    page.get_by_role("button", name="40 biopsies").click()
    page.get_by_role("button", name="Predict 40 rows").click()
    expect(page.get_by_role("link", name="Download CSV")).to_be_visible()
    return page.url


def status(page: Page, path: str, **options: str) -> int:
    """What the route answers to this browser."""
    return page.request.get(path, max_redirects=0, **options).status  # type: ignore[arg-type]


def noted(site: Site) -> set[tuple[str, str]]:
    """Who did what, as the trail has it."""
    with closing(Database(database_url("", site.home))) as database:
        return {(entry.visitor_name, entry.action) for page in AuditTrail(database).pages() for entry in page}


def test_nobody_comes_further_than_the_login(browser: Browser, site: Site, contexts: list[BrowserContext]) -> None:
    page = fresh(browser, site, contexts)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    for path in PAGES:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 401
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
        assert "Predict" not in page.title()
    assert sockets == [], "no session begins"
    for path in ("/_stcore/host-config", "/static/index.html", "/media/x", "/upload", "/download/x/y.csv"):
        assert status(page, path) in (401, 403), path
    assert status(page, "/_stcore/health") == 200, "a load balancer may ask"


def test_one_sees_ones_own_and_leaves(browser: Browser, site: Site, contexts: list[BrowserContext], ann: Page) -> None:
    run = predicted(ann)
    expect(ann.get_by_role("button", name=re.compile("^ann@"))).to_be_visible()
    link = ann.get_by_role("link", name="Download CSV").get_attribute("href")
    assert link
    assert status(ann, link) == 200
    bob = somebody(browser, site, contexts, "bob")
    bob.goto("/runs")
    expect(bob.get_by_text("You have predicted nothing here yet")).to_be_visible()
    bob.goto(run)
    expect(bob.get_by_role("heading", name="There is no such run")).to_be_visible()
    theirs = bob.request.get(link)
    never = bob.request.get(re.sub("/[a-z2-7]{26}/", f"/{'a' * 26}/", link))
    assert (theirs.status, theirs.body()) == (404, never.body().replace(b"a" * 26, run.rpartition("=")[2].encode()))
    ann.get_by_role("button", name=re.compile("^ann@")).click()
    ann.get_by_role("button", name="Log out").click()
    ann.get_by_role("button", name="End session").click()  # the provider's own question
    expect(ann.get_by_role("link", name="Log in")).to_be_visible()
    assert status(ann, link) == 401
    assert {("ann@example.org", "logged in"), ("bob@example.org", "logged in")} <= noted(site)
    assert ("ann@example.org", "logged out") in noted(site)


def test_a_link_survives_the_login_and_is_taken_back(
    browser: Browser, site: Site, contexts: list[BrowserContext], ann: Page
) -> None:
    run = predicted(ann)
    ann.get_by_role("button", name="Copy link").click()
    expect(ann.get_by_text("The link opens for you alone")).to_be_visible()
    ann.get_by_role("button", name="Manage").click()
    ann.get_by_role("button", name="Share").click()
    dialog = ann.get_by_role("dialog")
    expect(dialog.get_by_text("Only you see this run")).to_be_visible()
    dialog.get_by_role("button", name="Make a link").click()
    shown = dialog.get_by_test_id("stCode")
    expect(shown).to_contain_text("key=")
    link = shown.inner_text().strip()
    assert link.startswith(run)
    bob = somebody(browser, site, contexts, "bob", link)
    expect(bob).to_have_url(link)
    expect(bob.get_by_role("link", name="Download CSV")).to_be_visible()
    expect(bob.get_by_role("button", name="Manage")).to_have_count(0)
    download = bob.get_by_role("link", name="Download CSV").get_attribute("href")
    assert download
    assert status(bob, download) == 200
    assert status(bob, download.partition("?")[0]) == 404, "the key opens, nothing else does"
    dialog.get_by_role("button", name="Take back").click()
    expect(dialog.get_by_text("Only you see this run")).to_be_visible()
    bob.reload()
    expect(bob.get_by_role("heading", name="There is no such run")).to_be_visible()
    assert status(bob, download) == 404


def test_a_run_for_all_and_a_host_who_sees_all(
    browser: Browser, site: Site, contexts: list[BrowserContext], ann: Page
) -> None:
    run = predicted(ann)
    eve = somebody(browser, site, contexts, "eve", run)
    expect(eve.get_by_role("link", name="Download CSV")).to_be_visible()
    impostor = somebody(browser, site, contexts, "mallory")
    expect(impostor.get_by_text("may not use this dashboard")).to_be_visible()  # nobody verified that address
    ann.get_by_role("button", name="Manage").click()
    ann.get_by_role("button", name="Share").click()
    ann.get_by_role("dialog").get_by_role("button", name="Open to all").click()
    expect(ann.get_by_role("dialog").get_by_text("All who may log in until")).to_be_visible()
    bob = somebody(browser, site, contexts, "bob", "/runs")
    expect(bob.get_by_role("heading", name="Shared with me")).to_be_visible()
    bob.get_by_role("link", name="Open").first.click()
    expect(bob.get_by_role("link", name="Download CSV")).to_be_visible()


def test_who_is_not_meant_is_told_so(browser: Browser, site: Site, contexts: list[BrowserContext]) -> None:
    zed = somebody(browser, site, contexts, "zed")
    expect(zed.get_by_text("zed@elsewhere.net may not use this dashboard")).to_be_visible()
    assert status(zed, "/upload?size=1", headers={"x-requested-with": "forelight"}) in (401, 403)  # type: ignore[arg-type]
    assert status(zed, "/oauth2callback?error=access_denied") in (302, 303, 307)
    assert {("zed@elsewhere.net", "was refused"), ("", "failed to log in")} <= noted(site)
    assert ("zed@elsewhere.net", "logged in") not in noted(site)


def test_forged_cookies_open_nothing(browser: Browser, site: Site, contexts: list[BrowserContext], ann: Page) -> None:
    [own] = [each for each in ann.context.cookies() if each["name"] == "_streamlit_user"]
    head, dot, tail = own["value"].strip('"').partition(".")
    for value in (own["value"][:-2] + "xx", f"{head[:-4]}AAAA{dot}{tail}", "", "x" * 3_000, "{}"):
        page = fresh(browser, site, contexts)
        page.context.add_cookies([{"name": "_streamlit_user", "value": value, "url": site.address}])
        answer = page.goto("/runs")
        assert answer is not None
        assert answer.status == 401, value[:40]


def test_a_login_leads_to_this_site_only(browser: Browser, site: Site, contexts: list[BrowserContext]) -> None:
    for path in ("https://evil.example/x", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        page = fresh(browser, site, contexts)
        page.goto(f"/login?provider=default&next={urllib.parse.quote(path, safe='')}")
        page.get_by_role("button", name="ann", exact=True).click()
        page.wait_for_url(f"{site.address}/")


def test_a_token_is_shown_once_and_works_until_it_is_revoked(site: Site, ann: Page) -> None:
    ann.goto("/tokens")
    ann.get_by_label("Name").fill("nightly")
    ann.get_by_role("button", name="Make a token").click()
    shown = ann.get_by_test_id("stCode")
    expect(shown).to_contain_text("forelight_")
    words = shown.inner_text().strip()
    assert _asks(site, "/template/diabetes-progression", words) == 200
    assert _asks(site, "/template/diabetes-progression", words[:-1]) == 401
    ann.reload()
    expect(ann.get_by_text("nightly")).to_be_visible()
    expect(ann.get_by_test_id("stCode")).to_have_count(0)
    ann.get_by_role("button", name="Revoke").click()
    expect(ann.get_by_text("You have no token")).to_be_visible()
    assert _asks(site, "/template/diabetes-progression", words) == 401
    kept = (site.home / "log").read_text()
    assert words not in kept
    assert "secret" not in kept


def _asks(site: Site, path: str, token: str) -> int:
    request = urllib.request.Request(site.address + path, headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_pages_fit(site: Site, ann: Page, tmp_path: Path) -> None:
    """Login, sharing and tokens at the width of a phone: nothing hangs over."""
    ann.set_viewport_size({"width": 390, "height": 844})
    for path in ("/tokens", predicted(ann)):
        ann.goto(path)
        expect(ann.get_by_role("heading", level=1)).to_be_visible()
        assert ann.evaluate("document.documentElement.scrollWidth") <= 390
