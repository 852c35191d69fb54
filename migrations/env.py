"""What Alembic runs: it takes the connection that `persistence.postgres.migrate` opened.

Laws: no settings file, no URL and no connection of its own; no transaction of its own either, the
caller's holds the lock and every step. Schema belongs in `versions/`.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
