"""Files as answers: read a megabyte at a time, as each piece takes a turn of a thread."""

from __future__ import annotations

from starlette.responses import FileResponse


class LargeFile(FileResponse):
    """A FileResponse, with ranges and all, for files of many megabytes."""

    chunk_size = 2**20
