"""A real S3 server over HTTP, as many S3 servers are: moto's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Its address; AWS_… variables name it, so that whatever speaks S3 finds it, other processes too."""
    moto = pytest.importorskip("moto.server", reason="make test-cluster installs it")
    found = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    found.start()
    host, port = found.get_host_and_port()
    own = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        yield own["AWS_ENDPOINT_URL"]
    found.stop()


@pytest.fixture(scope="module")
def s3(s3_server: str) -> Iterator[object]:
    """A client of the server; no bucket is left of the file of tests before."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(use_listings_cache=False)
    yield files
    for bucket in files.ls("", detail=False):
        files.rm(bucket, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
