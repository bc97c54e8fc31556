"""How many chains of audit events have been begun, sealed: chains of before are not counted, and said not to be."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "audit_counts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("chains", sa.BigInteger, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("audit_counts")
