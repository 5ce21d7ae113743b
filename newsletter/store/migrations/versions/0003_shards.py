"""Schema of shards."""

from __future__ import annotations

from newsletter.errors import SchemaError

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: rows would be lost."""
    message = "going back needs the backup made before the upgrade"
    raise SchemaError(message)
