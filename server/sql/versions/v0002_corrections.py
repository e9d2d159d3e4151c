"""Readings struck out: server/sql/migrations/0002_corrections.sql."""

from server.sql.upgrade import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_file("0002_corrections.sql")
