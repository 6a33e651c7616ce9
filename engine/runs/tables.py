"""The tables of the run store, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("model_id", Text, nullable=False),
    Column("version", Text, nullable=False, server_default="1"),
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

# The lines of a batch at which a model predicts fastest, as found by trying; `id` holds what it depends on.
batch_sizes = Table(
    "batch_sizes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("checkpoint_sha256", String(64), nullable=False),
    Column("precision", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("batch_size", Integer, nullable=False),
    Index("batch_sizes_by_checkpoint", "checkpoint_sha256"),
)

# API tokens: what a program shows instead of a login. Only the SHA-256 of a token is kept.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("visitor", Text, nullable=False),
    Column("visitor_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Column("used", String(32), nullable=False),
    Index("tokens_by_visitor", "visitor"),
)

# Who may see a run beside its owner: whoever shows the key of which the SHA-256 is here, or all who may log in ("").
shares = Table(
    "shares",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("run_id", String(26), nullable=False),
    Column("key_sha256", String(64), nullable=False),
    Column("visitor", Text, nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Index("shares_by_run", "run_id"),
    Index("shares_by_key", "key_sha256"),
)

# Who did what to which run.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("visitor", Text, nullable=False),
    Column("visitor_name", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("run_id", String(26), nullable=False),
    Column("model_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_run", "run_id"),
)
