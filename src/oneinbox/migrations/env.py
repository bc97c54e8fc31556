"""How Alembic reaches the database: `oneinbox.app.migrate` hands over its connection."""

from alembic import context

from oneinbox.app.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata())
with context.begin_transaction():
    context.run_migrations()
