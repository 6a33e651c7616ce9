"""The SQL database: SQLite or PostgreSQL, its schema brought up to date at the start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from filelock import FileLock
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from engine.errors import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"
_UNIX_DAY = 2_440_587.5  # 1970-01-01 as a Julian day
_LOCK_NUMBER = 0x466F72656C  # PostgreSQL's advisory lock while the schema is brought up to date


class Database:
    """Safe to use from several threads and processes. Raises StoreError where the database does not answer."""

    def __init__(self, url: str) -> None:
        self._said = sa.engine.make_url(url).render_as_string(hide_password=True)
        with self.speaking("opened"):
            self._engine = sa.create_engine(
                url,
                hide_parameters=True,
                pool_pre_ping=not url.startswith("sqlite"),
                connect_args={} if url.startswith("sqlite") else {"client_encoding": "utf8"},  # else SQL_ASCII's bytes
                json_serializer=partial(json.dumps, ensure_ascii=False),  # so that names can be searched
            )
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _tune_sqlite)
            self._migrate()

    def close(self) -> None:
        self._engine.dispose()

    @property
    def clock(self) -> sa.ColumnElement[float]:
        """The database's own time, in Unix seconds: machines whose clocks differ still agree on it."""
        if self._engine.dialect.name == "postgresql":
            return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
        return (sa.func.julianday("now") - _UNIX_DAY) * 86_400.0

    def put(self, table: sa.Table, key: str, name: str, values: Mapping[str, Any]) -> None:
        """Inserts or replaces one row."""
        asked = self.insert(table).values({key: name, **values})
        with self.speaking("written") as connection:
            connection.execute(asked.on_conflict_do_update(index_elements=[key], set_=dict(values)))

    def insert(self, table: sa.Table) -> Any:
        """An insert that can be told what to do with rows that are there; both databases have the same words for it."""
        from sqlalchemy.dialects import postgresql, sqlite

        return (postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert)(table)

    def _migrate(self) -> None:
        """Brings the schema up to date; processes that start together take turns."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._alone(), self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        file = self._engine.url.database or ""
        if self._engine.dialect.name == "sqlite":
            path = Path(file.removeprefix("file:"))
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                yield
        else:
            with self._engine.connect() as connection:
                connection.execute(sa.text(f"SELECT pg_advisory_lock({_LOCK_NUMBER})"))
                try:
                    yield
                finally:
                    connection.execute(sa.text(f"SELECT pg_advisory_unlock({_LOCK_NUMBER})"))

    @contextmanager
    def speaking(self, what: str) -> Iterator[Any]:
        """A transaction; what the database says against it becomes a StoreError."""
        try:
            if what == "opened":
                yield None
            else:
                with self._engine.begin() as connection:
                    yield connection
        except (NoSuchModuleError, ModuleNotFoundError) as exc:
            raise StoreError(f"FORELIGHT_DATABASE_URL: {exc}. Take sqlite:///… or postgresql+psycopg://….") from exc
        except (SQLAlchemyError, OSError) as exc:
            words = str(exc.orig if isinstance(exc, DBAPIError) else exc).strip().splitlines()
            raise StoreError(
                f"The run store {self._said} cannot be {what}: {words[0] if words else type(exc).__name__}. "
                "Look whether the disk is full, the file may be written, and the database runs."
            ) from exc


def database_url(url: str, home: Path) -> str:
    """The URL for SQLAlchemy of what the host set; a SQLite file in `home` where nothing is set."""
    if not url:
        return f"sqlite:///{home / 'forelight.db'}"
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in ("postgres", "postgresql") else url


def _tune_sqlite(connection: Any, _: object) -> None:
    """Readers do not wait for a writer, a writer waits for a writer, and a commit is on the disk when it is said."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 15000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
