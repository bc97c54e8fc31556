"""How Alembic reaches the database: `oneinbox.app.migrate` hands over its connection."""

from importlib import import_module

from alembic import context

from oneinbox.kit.db import Base

for module in (
    "kit.signing",
    "kit.steps",
    "features.workspaces.models",
    "features.api_keys.models",
    "features.llm_models.models",
    "features.agents.models",
    "features.trunks.models",
    "features.phone_numbers.models",
    "features.workers.models",
    "features.attempts.models",
    "features.calls.models",
):
    import_module(f"oneinbox.{module}")

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
