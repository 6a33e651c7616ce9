"""The version of the model that a run was made with; all runs before are of the only one there was."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("version", sa.Text, nullable=False, server_default="1"))
