"""Settings: read once from FORELIGHT_… variables, then passed in; nothing else reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BUNDLED_MODELS = Path(__file__).parent / "demos" / "models"


class Settings(BaseSettings):
    """Folders, limits and devices; each can be set as FORELIGHT_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="FORELIGHT_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("forelight"), description="where runs live")
    models: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(BUNDLED_MODELS,), description="folders of model folders, separated as in PATH"
    )
    accelerator: str = Field(default="auto", description="Lightning's accelerator: auto, cpu, gpu …")
    devices: int = Field(default=1, ge=1, description="devices a prediction may use")
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
    keep_audit_days: float = Field(default=365.0, gt=0, description="days the audit trail is kept")
    keep_days: float = Field(default=30.0, gt=0, description="days after which a run is deleted")
    keep_bytes: int = Field(default=100 * 2**30, ge=1, description="bytes all runs may take; the oldest goes first")
    max_waiting: int = Field(default=1_000, ge=1, description="most runs that wait or run at once")
    max_waiting_per_visitor: int = Field(default=200, ge=1, description="most of them of one visitor")
    max_file_bytes: int = Field(default=20 * 2**30, ge=1, description="bytes of one uploaded file")
    max_visitor_bytes: int = Field(default=40 * 2**30, ge=1, description="bytes of all uploads of one visitor")
    max_upload_bytes: int = Field(default=200 * 2**30, ge=1, description="bytes of all uploads")
    careful_decoding: bool = Field(default=False, description="check every PNG before the fast decoder sees it")
    max_pixels: int = Field(default=64_000_000, ge=1, description="most pixels of one picture")
    max_archive_members: int = Field(default=200_000, ge=1, description="most files in one zip")
    max_archive_bytes: int = Field(default=16 * 2**30, ge=1, description="most bytes a zip may unpack to")
    max_archive_ratio: int = Field(default=200, ge=1, description="most bytes a zip may unpack to, for each of its own")

    @field_validator("models", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("hosts", "visitors", mode="before")
    @classmethod
    def _mails(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().casefold() for part in value.split(",") if part.strip())
        return value

    @property
    def uploads_folder(self) -> Path:
        return self.home / "uploads"

    @property
    def runs_folder(self) -> Path:
        return self.home / "runs"
