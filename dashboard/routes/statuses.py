"""Which HTTP status each of the engine's errors is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import (
    DiskFull,
    ExportError,
    ForelightError,
    LakeError,
    LoginNeeded,
    NotAllowed,
    NotInLake,
    NotWritable,
    QueueFull,
    ReadError,
    RunNotFound,
    RunStateError,
    StoreError,
    UnknownModel,
    UploadNotFound,
    UploadRefused,
)

STATUS: Mapping[type[ForelightError], int] = MappingProxyType(
    {
        RunNotFound: 404,
        UnknownModel: 404,
        UploadNotFound: 404,
        NotInLake: 404,
        LakeError: 503,
        UploadRefused: 413,
        LoginNeeded: 401,
        NotAllowed: 403,
        QueueFull: 429,
        StoreError: 503,
        DiskFull: 507,
        NotWritable: 507,
        ReadError: 404,
        RunStateError: 409,
        ExportError: 422,
    }
)


def status_of(error: Exception) -> int:
    """The status of that error; 400 for any other that says what is wrong."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
