"""Schema of routes: why a delivery failed, limits that processes share, and sends that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns to deliveries, issues and publications, and two tables."""
    op.add_column("deliveries", sa.Column("cause", sa.String(length=8), nullable=True))
    op.add_column("issues", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("issues", sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("publications", sa.Column("send_at", sa.String(length=16), nullable=True))
    op.create_table(
        "route_states",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_route_states")),
    )
    op.create_table(
        "paces",
        sa.Column("key", sa.String(length=384), nullable=False),
        sa.Column("free_at", sa.Float(), nullable=False),
        sa.Column("slowed_to", sa.Float(), nullable=True),
        sa.Column("slowed_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_paces")),
    )


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
