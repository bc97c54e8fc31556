"""Operations that are resumed after a crash, and the job queue that they wait in.

The queue's tables are made by procrastinate's own scripts up to QUEUE_VERSION; newer ones belong into newer revisions.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import BYTEA

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

QUEUE_VERSION = "03.04.00"
OPEN = "state IN ('running', 'undoing')"
DROP_QUEUE = """
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
DO $$
DECLARE
    thing text;
BEGIN
    FOR thing IN SELECT oid::regtype FROM pg_type WHERE typname LIKE 'procrastinate_%' AND typtype IN ('c', 'e') LOOP
        EXECUTE 'DROP TYPE ' || thing || ' CASCADE';
    END LOOP;
    FOR thing IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'procrastinate_%' LOOP
        EXECUTE 'DROP FUNCTION ' || thing;
    END LOOP;
END;
$$;
"""


def upgrade() -> None:
    """Make the queue, and what operations need to be resumed; those that others left open can't be."""
    for script in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
        if script.name.partition("_")[0] <= QUEUE_VERSION:
            _run(script.read_text(encoding="utf-8"))
    op.execute("UPDATE operations SET state = 'failed', error_code = 'INTERNAL_ERROR' WHERE state = 'running'")
    for column in (
        sa.Column("error", sa.String),
        sa.Column("request", BYTEA),
        sa.Column("runner", sa.String),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("operations", column)
    op.create_index("ix_operations_resource", "operations", ["workspace_id", "resource_id", "id"])
    op.create_index("uq_operations_open", "operations", ["resource_id"], unique=True, postgresql_where=sa.text(OPEN))
    begun = sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    for column in (sa.Column("error_code", sa.String), sa.Column("error", sa.String), begun):
        op.add_column("operation_steps", column)


def downgrade() -> None:
    """Take them away."""
    for column in ("error_code", "error", "started_at"):
        op.drop_column("operation_steps", column)
    op.drop_index("uq_operations_open", "operations")
    op.drop_index("ix_operations_resource", "operations")
    for column in ("error", "request", "runner", "leased_until"):
        op.drop_column("operations", column)
    _run(DROP_QUEUE)


def _run(script: str) -> None:
    """Several statements at once, which only the driver's own connection takes."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)
