"""Files as answers: read a megabyte at a time, as each piece takes a turn of a thread."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import FileResponse


def attachment(name: str) -> str:
    """The header's value by which a browser keeps an answer as a file of that name, in whatever script."""
    return f"attachment; filename*=utf-8''{quote(name)}" if quote(name) != name else f'attachment; filename="{name}"'


class LargeFile(FileResponse):
    """A FileResponse, with ranges and all, for files of many megabytes."""

    chunk_size = 2**20
