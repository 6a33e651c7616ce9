"""The tables of the run store, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("model_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("visitor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("renames", JSON, nullable=False),
    Column("card_sha256", String(64), nullable=False),
    Column("checkpoint_sha256", String(64), nullable=False),
    Column("question", String(64), nullable=False),
    Column("output_kind", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("stop", Boolean, nullable=False),
    Column("restarts", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    Column("started", String(32), nullable=False),
    Column("finished", String(32), nullable=False),
    Column("rows_total", BigInteger, nullable=False),
    Column("rows_done", BigInteger, nullable=False),
    Column("rows_failed", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index("runs_by_state", "state"),
    Index("runs_by_visitor", "visitor", "created"),
    Index("runs_by_question", "question"),
)

# Processes that run runs, and when they were last heard of (Unix time).
owners = Table(
    "owners",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen", Float, nullable=False),
)

# How fast a model was the last time, rows a second: what estimates of waiting times are made from.
speeds = Table(
    "speeds",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("rows_per_second", Float, nullable=False),
)
