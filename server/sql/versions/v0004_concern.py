"""Whose list an alert belongs to: server/sql/migrations/0004_concern.sql."""

from server.sql.upgrade import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_file("0004_concern.sql")
