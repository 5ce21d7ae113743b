"""Indexes by which a million rows are claimed in order, each claim at the price of its own rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from newsletter.errors import SchemaError

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Rows that wait for nothing and are held by nobody leave the indexes that are about that."""
    op.drop_index(op.f("ix_deliveries_issue_id_state_next_attempt_at"), "deliveries")
    op.drop_index(op.f("ix_deliveries_claim_token"), "deliveries")
    op.create_index(op.f("ix_deliveries_issue_id_state_id"), "deliveries", ["issue_id", "state", "id"])
    _index_where_set("next_attempt_at", ["issue_id", "next_attempt_at"])
    _index_where_set("claim_token", ["claim_token"])


def _index_where_set(column: str, columns: list[str]) -> None:
    is_set = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        op.f(f"ix_deliveries_{'_'.join(columns)}"),
        "deliveries",
        columns,
        sqlite_where=is_set,
        postgresql_where=is_set,
    )


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
