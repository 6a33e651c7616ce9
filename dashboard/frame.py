"""The frame that each page begins as: Streamlit's, with our name, icon and font, told at once where its server is.

By itself it asks below the page's own address first, which is two answers 404 and a wait before anything is shown.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

_INDEX = Path(get_static_dir()) / "index.html"
_ICON = Path(__file__).parent / "brand" / "icon.png"
_FONT = "./app/static/inter-latin-wght-normal.woff2"
_HEAD = """<title>Forelight</title>
    <meta name="description" content="Predictions from your file, by models trained here." />
    <script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin + "/" }</script>
    <style>
      html { background: {light}; color: #5b6275; }
      @media (prefers-color-scheme: dark) { html { background: {dark}; color: #a3aabc; } }
      @media (min-width: 769px) {
        [data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar])) { padding-left: 300px; }
      }
      .coming { margin: 40vh 0 0; text-align: center; font: 1rem Inter, system-ui, sans-serif; }
      .coming { animation: coming 0s 1s both; }
      @keyframes coming { from { visibility: hidden; } }
    </style>"""
_NO_SCRIPT = "<noscript><p>This dashboard needs JavaScript. Programs use its API at /api/v1.</p></noscript>"
_COMING = '<div id="root"><p class="coming" role="status">Forelight is coming …</p></div>'


class OwnFrame:
    """ASGI middleware that answers with our frame wherever Streamlit would with its own, whatever the address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        is_frame = False

        async def send_ours(message: Message) -> None:
            nonlocal is_frame
            if message["type"] == "http.response.start":
                is_frame = _of_streamlit() in Headers(raw=message["headers"]).get("etag", "")
            if not is_frame:
                await send(message)
            elif message["type"] == "http.response.start":
                await HTMLResponse(frame(), headers={"cache-control": "no-cache"})(scope, receive, send)

        await self.app(scope, receive, send_ours)


@cache
def frame() -> str:
    """Streamlit's frame with what is ours in it."""
    head = _HEAD
    for look in ("light", "dark"):
        head = head.replace(f"{{{look}}}", str(st.get_option(f"theme.{look}.backgroundColor")))
    ours = {
        r"<title>.*?</title>": head,
        r'href="\./favicon\.png"': f'href="{icon()}"',
        r'href="[^"]*SourceSans[^"]*\.woff2"': f'href="{_FONT}"',
        r'<link rel="service-desc"[^>]*>': "",
        r"<noscript>.*?</noscript>": _NO_SCRIPT,
        r'<div id="root"></div>': _COMING,
        r"<!--.*?-->": "",
    }
    text = _INDEX.read_text(encoding="utf-8")
    for theirs, own in ours.items():
        text = re.sub(theirs, own.replace("\\", r"\\"), text, flags=re.DOTALL)
    return text.lstrip()


@cache
def icon() -> str:
    """The dashboard's icon, as an address that asks nobody for it."""
    return f"data:image/png;base64,{base64.b64encode(_ICON.read_bytes()).decode()}"


@cache
def _of_streamlit() -> str:
    """What Streamlit's frame is known by among its answers."""
    return FileResponse(_INDEX, stat_result=_INDEX.stat()).headers["etag"].strip('"')
