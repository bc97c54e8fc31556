"""The end of each chain of audit events is sealed: chains of before have no seal, and are said to have none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("audit_chains", sa.Column("seal", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
    op.alter_column("audit_chains", "seal", server_default=None)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("audit_chains", "seal")
