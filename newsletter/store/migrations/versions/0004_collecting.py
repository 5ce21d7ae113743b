"""Schema of collecting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What collecting learns of an article: its licence, its enclosures, its picture's size and copy."""
    op.add_column("sources", sa.Column("full_text", sa.Boolean(), server_default=sa.false(), nullable=False))
    for column in (
        sa.Column("image_width", sa.Integer(), nullable=True),
        sa.Column("image_height", sa.Integer(), nullable=True),
        sa.Column("image_copy", sa.String(length=80), nullable=True),
        sa.Column("image_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("enclosures", sa.JSON(), nullable=True),
    ):
        op.add_column("articles", column)


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
