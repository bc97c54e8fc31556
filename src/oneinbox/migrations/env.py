"""How Alembic reaches the database: `oneinbox.app.migrate` hands over its connection."""

from alembic import context

from oneinbox.app.tables import metadata


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Not the job queue's tables, which procrastinate makes and knows."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


context.configure(connection=context.config.attributes["connection"], target_metadata=metadata(), include_name=is_ours)
with context.begin_transaction():
    context.run_migrations()
