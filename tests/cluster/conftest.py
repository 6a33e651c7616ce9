"""An S3 server that the tests of a process share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.s3_server import serving_s3


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Its address; AWS_… variables name it."""
    with serving_s3("127.0.0.1") as variables:
        yield variables["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def s3(s3_server: str) -> Iterator[object]:
    """A client of the server; no bucket is left of the file of tests before, and none is touched that was there."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(use_listings_cache=False)
    theirs = set(files.ls("", detail=False))
    yield files
    for bucket in set(files.ls("", detail=False)) - theirs:
        files.rm(bucket, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
