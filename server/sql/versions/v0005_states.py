"""Where a person is, and what is snoozed, as staff say: server/sql/migrations/0005_states.sql."""

from server.sql.upgrade import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_file("0005_states.sql")
