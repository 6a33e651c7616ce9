"""Settings: read once from FORELIGHT_… variables, then passed in; nothing else reads the environment."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_BETWEEN = rf"{re.escape(os.pathsep)}(?!//)"
_SECRET = re.compile(r"secret|password|token|(?:^|_)key")
_IN_ADDRESS = re.compile(r"(://[^/@:]*:)[^@]*(?=@)")
_OPTION = re.compile(r"([?&;](?:[^=&;]*(?:pass|secret|token|key)[^=&;]*)=)[^&;]*", re.IGNORECASE)
BUNDLED_MODELS = Path(__file__).parent / "demos" / "models"
UNSAFE_VARIABLE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting as the host may see it: `changed` where it is not the default; secrets are masked."""

    name: str
    value: str
    changed: bool
    about: str


class Settings(BaseSettings):
    """Folders, limits and devices; each can be set as FORELIGHT_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="FORELIGHT_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("forelight"), description="where runs live")
    models: Annotated[tuple[Path | str, ...], NoDecode] = Field(
        default=(BUNDLED_MODELS,), description="folders of model folders, separated as in PATH; s3://… too"
    )
    lake: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="folders that visitors may take files from: name=/folder;name=s3://bucket/folder"
    )
    storage: str = Field(
        default="", description="object store that runs are kept on: s3://bucket/runs; only home if empty"
    )
    accelerator: str = Field(default="auto", description="Lightning's accelerator: auto, cpu, gpu …")
    devices: Annotated[int, Field(ge=1)] | Literal["auto", "all"] = Field(
        default="auto", description="devices a prediction may use; all: every GPU; auto: one, without any the cores"
    )
    backend: str = Field(default="local", description="where runs are predicted: local, ray, or another package's")
    ray_address: str = Field(default="", description="head of the Ray cluster, host:port; this machine where empty")
    readers: int = Field(default=1, ge=1, description="processes that read visitors' files")
    analysts: int = Field(default=2, ge=1, description="processes that judge runs by their labels and write workbooks")
    warm_models: int = Field(default=4, ge=1, description="models kept in memory; least recently used goes first")
    shard_rows: int = Field(default=1_000_000, ge=1, description="most rows of one shard")
    database_url: str = Field(default="", description="PostgreSQL's address; a SQLite file in home where empty")
    login: bool = Field(default=False, description="visitors log in, and see their own runs and shared ones only")
    login_days: float = Field(default=1.0, gt=0, le=30, description="days after which one logs in again")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="e-mails of those with the host role, separated by commas"
    )
    host_claim: str = Field(default="", description="claim:value that gives the host role, such as groups:admins")
    visitors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="e-mails or @domains that may log in; all whom the provider lets in where empty"
    )
    open: bool = Field(default=False, description="serve other machines without a login")
    names: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="host names the server is reached by, separated by commas; any where others reach it"
    )
    keep_audit_days: float = Field(default=365.0, gt=0, description="days the audit trail is kept")
    keep_days: float = Field(default=30.0, gt=0, description="days after which a run is deleted")
    keep_bytes: int = Field(default=100 * 2**30, ge=1, description="bytes all runs may take; the oldest goes first")
    max_waiting: int = Field(default=1_000, ge=1, description="most runs that wait or run at once")
    max_waiting_per_visitor: int = Field(default=200, ge=1, description="most of them of one visitor")
    max_reading_per_visitor: int = Field(default=8, ge=1, description="most checks of one visitor at once")
    max_file_bytes: int = Field(default=20 * 2**30, ge=1, description="bytes of one uploaded file")
    max_visitor_bytes: int = Field(default=40 * 2**30, ge=1, description="bytes of all uploads of one visitor")
    max_upload_bytes: int = Field(default=200 * 2**30, ge=1, description="bytes of all uploads")
    max_json_bytes: int = Field(default=8 * 2**20, ge=1, description="bytes of the API's JSON, which is read whole")
    checkpoint_uploads: bool = Field(
        default=False, description="hosts may bring checkpoints to a model, as further versions of the same class"
    )
    max_checkpoint_bytes: int = Field(default=2 * 2**30, ge=1, description="bytes of such a checkpoint")
    min_free_bytes: int = Field(default=2**30, ge=0, description="bytes that a ready server's disk has left")
    log: Literal["text", "json"] = Field(default="text", description="what the log's lines are")
    log_messages: bool = Field(default=False, description="log the words of errors too, which may quote visitors' data")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="a port of its own for /metrics; none where 0")
    metrics_address: str = Field(default="127.0.0.1", description="where that port listens")
    careful_decoding: bool = Field(default=False, description="decode every picture by Pillow, JPEG too")
    max_rows: int = Field(default=200_000_000, ge=1, description="most rows of one run")
    max_columns: int = Field(default=10_000, ge=1, description="most columns of one file")
    max_cell_bytes: int = Field(default=1_000_000, ge=1, description="most bytes of one cell of text")
    max_reader_bytes: int = Field(
        default=4 * 2**30, ge=2**28, description="memory of a process that reads files, above which it is ended"
    )
    max_reader_seconds: float = Field(
        default=120.0,
        gt=0,
        description="seconds without a sign of progress after which it is ended, and 1 for each 4 MB",
    )
    max_pixels: int = Field(default=64_000_000, ge=1, description="most pixels of one picture")
    max_archive_members: int = Field(default=200_000, ge=1, description="most files in one zip")
    max_archive_bytes: int = Field(default=16 * 2**30, ge=1, description="most bytes a zip may unpack to")
    max_archive_ratio: int = Field(default=200, ge=1, description="most bytes a zip may unpack to, for each of its own")

    @field_validator("models", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        """Paths, and addresses of object stores as texts."""
        parts = re.split(_BETWEEN, value) if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            return value
        return tuple(part if "://" in str(part) else Path(part) for part in parts if str(part))

    @field_validator("hosts", "visitors", "names", mode="before")
    @classmethod
    def _mails(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().casefold() for part in value.split(",") if part.strip())
        return value

    @field_validator("lake", mode="before")
    @classmethod
    def _lake(cls, value: object) -> object:
        """As name=where, one by one: settings can be hashed."""
        if isinstance(value, Mapping):
            value = tuple(f"{name}={where}" for name, where in value.items())
        pairs = value.split(";") if isinstance(value, str) else value
        if not isinstance(pairs, (list, tuple)):
            return value
        found = tuple(
            (name.strip(), where.strip()) for name, _, where in (pair.partition("=") for pair in pairs if pair)
        )
        if not all(name and "/" not in name and where for name, where in found):
            raise ValueError("expected name=/folder or name=s3://bucket/folder, separated by semicolons")
        return tuple("=".join(each) for each in found)

    @property
    def lake_folders(self) -> Mapping[str, str]:
        """The lake's folders by their names."""
        return {name: where for name, _, where in (pair.partition("=") for pair in self.lake)}

    @property
    def model_stores(self) -> Mapping[str, Path]:
        """The object stores among `models`, and where their models are copied to."""
        places = {each: hashlib.sha256(each.encode()).hexdigest()[:16] for each in self.models if isinstance(each, str)}
        return {address: self.home / "fetched" / place for address, place in places.items()}

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """The folders of all models, in the order of `models`."""
        stores = self.model_stores
        return tuple(stores[each] if isinstance(each, str) else each for each in self.models)

    @property
    def uploads_folder(self) -> Path:
        return self.home / "uploads"

    @property
    def runs_folder(self) -> Path:
        return self.home / "runs"

    def in_force(self) -> tuple[SettingInForce, ...]:
        """Every setting by the name of its variable."""
        return tuple(
            SettingInForce(
                f"{self.model_config['env_prefix']}{name.upper()}",
                _shown(name, getattr(self, name)),
                getattr(self, name) != field.get_default(call_default_factory=True),
                field.description or "",
            )
            for name, field in type(self).model_fields.items()
        )


def why_unsafe() -> str:
    """What in the environment would let checkpoints run code, as a sentence; "" where nothing does."""
    if os.environ.get(UNSAFE_VARIABLE, "").lower() in ("1", "y", "yes", "true"):
        return f"{UNSAFE_VARIABLE} is set: checkpoints could run code. Unset it and start again."
    return ""


def _shown(name: str, value: object) -> str:
    """The value without what only the server should know: masked whole by its name, else the secrets of an address."""
    if isinstance(value, tuple):
        return ", ".join(_shown(name, each) for each in value)
    if isinstance(value, SecretStr) or (value and _SECRET.search(name)):
        return "…"
    return _IN_ADDRESS.sub(r"\1…", _OPTION.sub(r"\1…", str(value)))
