"""Alembic's entry: it runs the revisions on the connection that server/migrate.py hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
