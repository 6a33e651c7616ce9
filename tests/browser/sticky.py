"""A small proxy before several servers, as nginx with `hash`: one visitor stays with one server while that answers."""

from __future__ import annotations

import asyncio
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_KEY = re.compile(rb"forelight_visitor=([\w-]+)|authorization: *bearer +([\w-]+)", re.IGNORECASE)
_MOST_HEAD = 1 << 17


@contextmanager
def sticky_proxy(port: int, servers: Sequence[int]) -> Iterator[None]:
    """Passes what comes to `port` on to the servers at those ports of this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()  # first, as this thread may have a loop of its own: that of a browser
    opening = asyncio.start_server(_Proxy(servers).serve, "127.0.0.1", port, limit=_MOST_HEAD)
    opened = asyncio.run_coroutine_threadsafe(opening, loop).result()
    yield
    loop.call_soon_threadsafe(opened.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class _Proxy:
    def __init__(self, servers: Sequence[int]) -> None:
        self._servers = servers

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await client.readuntil(b"\r\n\r\n")
            if b"\r\nupgrade:" not in head.lower():  # one request a connection: the next one may be another visitor's
                head = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.IGNORECASE)
                head = head[:-2] + b"Connection: close\r\n\r\n"
            server, asked = await self._connect(head)
            asked.write(head)
            await asyncio.gather(_pass_on(client, asked), _pass_on(server, answer))
        answer.close()

    async def _connect(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The visitor's server, or the next one that is there."""
        found = _KEY.search(head)
        first = zlib.crc32(found.group(0) if found else b"") % len(self._servers)
        for port in (*self._servers[first:], *self._servers[:first]):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionError("no server answers")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()
