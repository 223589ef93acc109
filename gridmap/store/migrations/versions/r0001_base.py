"""The first tables."""

from alembic import op

from gridmap.store.database import run_script, sql_folder

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file."""
    run_script(op.get_bind(), (sql_folder() / "migrations" / "0001_base.sql").read_text(encoding="utf-8"))
