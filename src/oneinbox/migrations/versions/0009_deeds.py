"""Operations carry what the audit trail says of their request, for the case that another process ends them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("operations", sa.Column("deed", sa.String))
    op.add_column("operations", sa.Column("answered", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("operations", "answered")
    op.drop_column("operations", "deed")
