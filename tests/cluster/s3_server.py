"""A real S3 server over HTTP, as many S3 servers are: moto's, or the one that AWS_ENDPOINT_URL names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def serving_s3(ip: str) -> Iterator[dict[str, str]]:
    """The AWS_… variables that name it; they are set, so that whatever speaks S3 finds it, other processes too."""
    if "AWS_ENDPOINT_URL" in os.environ:
        yield {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return
    moto = pytest.importorskip("moto.server", reason="make test-cluster installs it")
    found = moto.ThreadedMotoServer(ip_address=ip, port=0)
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
        yield own
    found.stop()
