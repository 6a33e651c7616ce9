"""A page without a browser: one Streamlit session over its websocket, which asks for pages and waits for their end."""

from __future__ import annotations

import secrets
from types import TracebackType
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

_MOST_BYTES = 64 * 2**20
_SECONDS = 60


class PageFailed(Exception):
    """The page shows an error, or its script did not come to its end."""


class Session:
    """One visitor's open tab. `cookie` is the header that their browser sends."""

    def __init__(self, address: str, cookie: str) -> None:
        self._address, self._cookie = address, cookie
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Session:
        self._socket = await connect(
            self._address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit", secrets.token_hex(8)],  # type: ignore[list-item]
            additional_headers={"cookie": self._cookie},
            origin=self._address,  # type: ignore[arg-type]
            max_size=_MOST_BYTES,
            open_timeout=_SECONDS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def open(self, page: str = "", **query: str) -> int:
        """Goes to that page with that address; bytes of what is shown once its script has ended."""
        assert self._socket is not None
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = urlencode(query)
        asked.rerun_script.context_info.url = f"{self._address}/{page}?{urlencode(query)}"
        asked.rerun_script.context_info.timezone = "Europe/Berlin"
        await self._socket.send(asked.SerializeToString())
        taken = 0
        while True:
            message = await self._socket.recv(decode=False)
            taken += len(message)
            told = ForwardMsg.FromString(message)
            if told.WhichOneof("type") == "delta" and _is_error(told):
                raise PageFailed(f"{page}: {_words(told)}")
            if told.WhichOneof("type") == "script_finished":
                if told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return taken
                if told.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise PageFailed(page)


def _is_error(told: ForwardMsg) -> bool:
    element = told.delta.new_element
    return element.WhichOneof("type") == "exception" or (
        element.WhichOneof("type") == "alert" and element.alert.format == element.alert.ERROR
    )


def _words(told: ForwardMsg) -> str:
    element = told.delta.new_element
    return element.alert.body or element.exception.message
