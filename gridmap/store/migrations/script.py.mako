"""${message}."""

from alembic import op

from gridmap.store.database import run_script, sql_folder

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the SQL file."""
    run_script(op.get_bind(), (sql_folder() / "migrations" / "${up_revision}.sql").read_text(encoding="utf-8"))
