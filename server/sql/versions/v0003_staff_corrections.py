"""Corrections of staff, and their way home: server/sql/migrations/0003_staff_corrections.sql."""

from server.sql.upgrade import run_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_file("0003_staff_corrections.sql")
