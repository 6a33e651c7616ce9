"""`make load`: 50 visitors at once against a real server: they upload, predict, filter, download. Writes docs/load.md.

Each is a browser's cookie, a websocket session of the pages, and a token of the same visitor's for the API.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import polars as pl

from engine import Caller, Engine, GuardedEngine, Settings
from engine.models.registry import ModelRegistry
from engine.settings import BUNDLED_MODELS
from tests.bench.load_report import Load, Moment, Seen
from tests.bench.session import Session
from tests.browser.serving import served

REPORT = Path(__file__).parents[2] / "docs" / "load.md"
MODEL = "diabetes-progression"
ROWS = 12_000
DOWNLOADS = 100
# A connection that was idle for so long is not used again: the server closes it after five seconds.
CONNECTIONS = httpx.Limits(keepalive_expiry=2.0)
SECONDS_OF_THOUGHT = (3.0, 9.0)
SECONDS_OF_WARMING, SECONDS_AFTER = 25.0, 60.0
LEAST_DOWNLOAD = 2**20


class Visitor:
    """One visitor with a file of their own, whose predictions nobody else has."""

    def __init__(self, number: int, address: str, token: str, cookie: str, seen: Seen) -> None:
        self._number, self._seen, self._random = number, seen, random.Random(number)
        self._site = httpx.AsyncClient(base_url=address, headers={"cookie": cookie}, timeout=120, limits=CONNECTIONS)
        self._api = httpx.AsyncClient(
            base_url=f"{address}/api/v1",
            headers={"authorization": f"Bearer {token}"},
            timeout=120,
            limits=CONNECTIONS,
        )
        self._address, self._cookie = address, cookie
        self._file = _file(number)
        self._run = ""
        self._expected = ""

    async def come(self, until: float, downloads: int) -> None:
        """Does what visitors do until then; downloads go on beside it, evenly."""
        try:
            await asyncio.sleep(self._random.uniform(0, 5))
            async with Session(self._address, self._cookie) as page:
                await self._predict(page)
                await asyncio.gather(self._look(page, until), self._download_often(until, downloads))
        except Exception as error:
            self._seen.errors.append(f"visitor {self._number}: {type(error).__name__}: {error}")
        finally:
            await self._site.aclose()
            await self._api.aclose()

    async def _predict(self, page: Session) -> None:
        seen = self._seen
        async with seen.timed("open Predict"):
            await page.open("", model=MODEL)
        async with seen.timed("upload, check and start"):
            answer = await self._api.post(f"/models/{MODEL}/runs", params={"name": "rows.csv"}, content=self._file)
            answer.raise_for_status()
            self._run = answer.json()["id"]
        async with seen.timed("until a run has ended"):
            async with self._api.stream("GET", f"/runs/{self._run}/events") as events:
                told = [line async for line in events.aiter_lines()]
            assert any('"state":"done"' in line for line in told), "it did not end well"
        first = await self._fetch()
        table = pl.read_csv(first).select("patient", "progression_estimate")
        assert (table["patient"] == f"v{self._number}").all(), "rows of somebody else"
        self._expected = hashlib.sha256(first).hexdigest()

    async def _look(self, page: Session, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(*SECONDS_OF_THOUGHT))
            kind, name, query = self._random.choice(self._pages())
            async with self._seen.timed(kind):
                await page.open(name, **query)
            if self._random.random() < 0.3:
                async with self._seen.timed("predict one row"):
                    (await self._api.post(f"/models/{MODEL}/predictions", json={"rows": [_ROW]})).raise_for_status()
            if self._random.random() < 0.1:
                async with self._seen.timed("upload, check and start"):
                    answer = await self._api.post(
                        f"/models/{MODEL}/runs", params={"name": "again.csv"}, content=self._file
                    )
                    answer.raise_for_status()

    def _pages(self) -> list[tuple[str, str, dict[str, str]]]:
        low = self._random.uniform(50, 150)
        where = {"f": f"progression_estimate~between~{low:.0f}~{low + 60:.0f}"}
        run = {"run": self._run}
        return [
            ("charts", "result", run),
            ("charts, filtered", "result", {**run, **where}),
            ("table", "result", {**run, "tab": "Table"}),
            ("table, filtered and sorted", "result", {**run, **where, "tab": "Table", "sort": "progression_estimate"}),
            ("one row", "result", {**run, "tab": "Rows", "row": str(self._random.randint(1, ROWS))}),
            ("list of runs", "runs", {}),
            ("models", "models", {"model": MODEL}),
        ]

    async def _download_often(self, until: float, downloads: int) -> None:
        for left in range(downloads, 0, -1):
            await asyncio.sleep(max(0.0, (until - time.monotonic()) / left))
            async with self._seen.timed("download"):
                found = await self._fetch()
            if hashlib.sha256(found).hexdigest() != self._expected:
                self._seen.errors.append(f"visitor {self._number}: other bytes than before")

    async def _fetch(self) -> bytes:
        answer = await self._site.get(f"/download/{self._run}/mine.csv")
        answer.raise_for_status()
        assert len(answer.content) > LEAST_DOWNLOAD, "too small to tell anything"
        self._seen.bytes += len(answer.content)
        self._seen.hashes[hashlib.sha256(answer.content).hexdigest()] += 1
        return answer.content


_COLUMNS = ModelRegistry([BUNDLED_MODELS]).entry(MODEL).usable_card().signature
_ROW = {column.name: column.example for column in _COLUMNS}


def _file(number: int) -> bytes:
    """Rows that the model takes, and in each the visitor's number."""
    dice = np.random.default_rng(number)
    columns = {
        column.name: np.full(ROWS, float(column.example or 0)) * dice.uniform(0.98, 1.02, ROWS)
        if column.type == "float"
        else np.full(ROWS, column.example or 0)
        for column in _COLUMNS
    }
    return pl.DataFrame({**columns, "patient": [f"v{number}"] * ROWS}).write_csv().encode()


def main(seconds: float = 300.0, visitors: int = 50, downloads: int = DOWNLOADS) -> int:
    """0 where everything was as it should be; the report is written for a whole run only."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        people = [f"{number:022d}" for number in range(visitors)]
        engine = Engine(Settings(home=home))
        tokens = [
            GuardedEngine(engine, Caller(who)).make_token("load", ["models", "read", "run"], 1)[1] for who in people
        ]
        engine.close()
        seen = Seen()
        with served(home) as (address, process):
            warm = Seen()
            asyncio.run(_all(address, people[:3], tokens[:3], warm, SECONDS_OF_WARMING, 5))
            time.sleep(SECONDS_AFTER)
            idle = Moment.now(process.pid)
            asyncio.run(_all(address, people, tokens, seen, seconds, downloads))
            end = Moment.now(process.pid)
            time.sleep(SECONDS_AFTER)
            after = Moment.now(process.pid)
            problems = [line for line in (home / "log").read_text().splitlines() if "ERROR" in line]
    load = Load(visitors, ROWS, seen, idle, end, after, problems + warm.errors)
    print(load.page())
    if seconds >= 300 and visitors >= 50:
        REPORT.write_text(load.page(), encoding="utf-8")
    return 0 if load.good else 1


async def _all(address: str, people: list[str], tokens: list[str], seen: Seen, seconds: float, downloads: int) -> None:
    until = time.monotonic() + seconds
    coming = [
        Visitor(number, address, token, f"forelight_visitor={who}", seen).come(until, downloads)
        for number, (who, token) in enumerate(zip(people, tokens, strict=True))
    ]
    await asyncio.gather(*coming)


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(*(float(given[0]),) if given else (), *map(int, given[1:])))
