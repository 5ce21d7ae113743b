"""Schema of composing."""

from __future__ import annotations

from newsletter.errors import SchemaError

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Refuse: a schema never goes back, a backup does."""
    message = "restore the backup made before the upgrade"
    raise SchemaError(message)
