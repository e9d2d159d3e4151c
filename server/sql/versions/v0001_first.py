"""Homes, readings, alerts with their trail, users: server/sql/migrations/0001_first.sql."""

from server.sql.upgrade import run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_file("0001_first.sql")
