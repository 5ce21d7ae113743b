"""Schema of shards: the job queue of several machines, and what an issue does about uncertain deliveries."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0003"
down_revision = "0002"

QUEUE = Path(__file__).with_name("0003_procrastinate.sql")
"""Procrastinate 3.10's own tables and functions, word for word; a later release adds its own revision."""


def upgrade() -> None:
    """Add the queue where several machines can share a database."""
    with op.batch_alter_table("issues") as issues:
        issues.add_column(sa.Column("on_uncertain", sa.String(8)))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(QUEUE.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
