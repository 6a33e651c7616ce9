"""The batch sizes that were found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "batch_sizes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("checkpoint_sha256", sa.String(64), nullable=False),
        sa.Column("precision", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("batch_size", sa.Integer, nullable=False),
    )
    op.create_index("batch_sizes_by_checkpoint", "batch_sizes", ["checkpoint_sha256"])
