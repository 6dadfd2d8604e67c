"""Run by alembic for each migration, on the connection and in the transaction of `worker/store/migrate.py`."""

from __future__ import annotations

from alembic import context

from worker.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
