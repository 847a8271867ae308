"""Alembic's entry: runs on the connection that `web.migrate` hands over, inside its transaction."""

from alembic import context

import web.tables  # noqa: F401 - declares every table on `metadata`
from core.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=False,
    compare_type=False,
    transactional_ddl=True,
)
context.run_migrations()
