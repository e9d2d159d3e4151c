"""What a revision does: run its .sql file, as it stands."""

from importlib.resources import files

from alembic import op


def run_file(name: str) -> None:
    """Run one file of server/sql/migrations in the migration's transaction."""
    text = files("server.sql").joinpath("migrations", name).read_text(encoding="utf-8")
    cursor = op.get_bind().connection.cursor()
    cursor.execute(text)
    cursor.close()
