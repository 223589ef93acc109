"""Settings of one process, read from the environment (prefix ``GRIDMAP_``)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gridmap.model.text import Language


def default_data_dir() -> Path:
    """Return the user's data folder.

    XDG_DATA_HOME counts for everybody; without it root has /var/lib/gridmap, because root's home is closed to the
    user ``postgres``, to whom the database server belongs then.
    """
    base = os.environ.get("XDG_DATA_HOME")
    if base:
        return Path(base) / "gridmap"
    if os.geteuid() == 0:
        return Path("/var/lib/gridmap")
    return Path.home() / ".local" / "share" / "gridmap"


class Settings(BaseSettings):
    """Everything that an operator may set; see docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="GRIDMAP_", extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(
        default=None, description="An existing PostgreSQL with PostGIS; without it gridmap runs its own."
    )
    database: str = Field(
        default="gridmap",
        pattern=r"^[a-z][a-z0-9_]{0,40}$",
        description="Name of the database in gridmap's own cluster.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of gridmap's own database cluster, token and caches.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the server listens on.")
    port: int = Field(default=8321, ge=1, le=65535, description="Port that the server listens on.")
    hostname: str | None = Field(default=None, description="Further name that the Host header may carry.")
    workers: int = Field(default=1, ge=1, le=64, description="Web worker processes.")
    pool_size: int = Field(default=8, ge=1, le=64, description="Database connections and threads of each web worker.")
    jobs_at_once: int = Field(
        default=1, ge=1, le=16, description="Long jobs that run at the same time, over all workers of the database."
    )
    max_upload_bytes: int = Field(
        default=4 << 30, ge=1 << 10, le=1 << 40, description="The largest file that may be sent to the server."
    )
    lang: Language = Field(default="zh", description="Language of the command line: zh or en.")
    near_boundary_m: float = Field(
        default=15.0, ge=0, le=1000, description="A point nearer than this to its grid's border is flagged."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the server tells."
    )
