"""Schema of checks: answers of links, and what earlier drafts held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "link_checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_checks")),
        sa.UniqueConstraint("url_hash", name=op.f("uq_link_checks_url_hash")),
    )
    op.create_index(op.f("ix_link_checks_checked_at"), "link_checks", ["checked_at"], unique=False)
    op.create_table(
        "issue_outlines",
        sa.Column("id", ID, nullable=False),
        sa.Column("issue_id", ID, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outline", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issues.id"],
            name=op.f("fk_issue_outlines_issue_id_issues"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_outlines")),
    )
    op.create_index(op.f("ix_issue_outlines_issue_id"), "issue_outlines", ["issue_id"], unique=False)


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
