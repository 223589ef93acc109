"""A private PostgreSQL cluster in the data folder, on a Unix socket only.

Made with ``initdb`` on first use and started whenever it does not run. As root the server processes belong to
``postgres`` (PostgreSQL refuses to run as root); as anybody else they belong to that person. The socket's folder is
open to its owner alone, so whoever may not read the data folder cannot connect either.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gridmap.errors import NotReady

ADMIN = "gridmap"
SUPPORTED_MAJORS = range(14, 31)
_SOCKET_PATH_LIMIT = 100
_START_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0777",
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "'256MB'",
    "work_mem": "'32MB'",
    "maintenance_work_mem": "'256MB'",
    "random_page_cost": "1.1",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "off",
    "log_statement": "'none'",
    "log_min_error_statement": "panic",
}
INSTALL_LINE = "apt-get install -y --no-install-recommends postgresql-15-postgis-3"


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is known about the private cluster at this moment."""

    made: bool
    running: bool
    major: int | None
    folder: Path
    socket_folder: Path


class Cluster:
    """The private cluster below ``data_dir``; nothing happens before :meth:`ensure_running`."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "postgresql"
        self.data = self.root / "data"
        self.log = self.root / "server.log"
        self.socket_folder = _socket_folder(self.root)

    def ensure_running(self) -> None:
        """Make the cluster if there is none and start it if it is down; safe when several callers come at once.

        Raises
        ------
        NotReady
            PostgreSQL is not installed, the folder cannot be used, or the data are of another major version
            that is not installed. Nothing is changed in these cases.
        """
        with self._lock():
            tools = self._tools()
            if not (self.data / "PG_VERSION").exists():
                self._make(tools)
            if not self._is_running():
                self._start(tools)

    def stop(self) -> bool:
        """Stop the server and wait for it; return False when it was not running."""
        if not (self.data / "PG_VERSION").exists():
            return False
        with self._lock():
            if not self._is_running():
                return False
            self._run(self._tools() / "pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
            return True

    def status(self) -> ClusterStatus:
        """Return what is known without starting anything."""
        major = self._data_major()
        return ClusterStatus(major is not None, self._is_running(), major, self.root, self.socket_folder)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of ``database`` in this cluster (psycopg2)."""
        return f"postgresql+psycopg2://{ADMIN}@/{database}?host={self.socket_folder}"

    # -- steps -------------------------------------------------------------------------------------------------

    def _make(self, tools: Path) -> None:
        fresh = self.root / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run(tools / "initdb", "-D", str(fresh), "-U", ADMIN, "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8")
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n# gridmap\n")
            conf.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())
        (fresh / "pg_hba.conf").write_text(
            "# the socket's folder is closed to everybody but its owner\nlocal all all trust\n",
            encoding="utf-8",
        )
        fresh.rename(self.data)

    def _start(self, tools: Path) -> None:
        self._forget_dead_server()
        _own(self.socket_folder, 0o700)
        options = f"-c unix_socket_directories='{self.socket_folder}'"
        try:
            self._run(
                tools / "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-o", options,
                "-t", str(_START_SECONDS), "-w", "start",
            )  # fmt: skip
        except NotReady as error:
            tail = _tail(self.log)
            raise NotReady(
                f"数据库无法启动。日志 {self.log} 的最后几行:\n{tail}",
                f"The database server does not start. The last lines of {self.log}:\n{tail}",
            ) from error

    def _forget_dead_server(self) -> None:
        """Remove pid files of a server that was killed, when their number now belongs to another program."""
        for pid_file in (self.data / "postmaster.pid", self.socket_folder / ".s.PGSQL.5432.lock"):
            pid = _first_number(pid_file)
            if pid is not None and not _is_postgres(pid, self.data):
                pid_file.unlink(missing_ok=True)

    def _is_running(self) -> bool:
        pid = _first_number(self.data / "postmaster.pid")
        if pid is None or not _is_postgres(pid, self.data):
            return False
        lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 (eighth line is the state)
        return ready and _accepts(self.socket_folder / ".s.PGSQL.5432")

    def _data_major(self) -> int | None:
        version = self.data / "PG_VERSION"
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(version.read_text(encoding="ascii").strip())
        return None

    def _tools(self) -> Path:
        installed = installed_majors()
        wanted = self._data_major()
        if wanted is not None and wanted not in installed:
            has = "、".join(map(str, installed)) or "没有"
            raise NotReady(
                f"数据文件夹 {self.data} 属于 PostgreSQL {wanted},本机安装的是:{has}。"
                f"请安装 postgresql-{wanted}-postgis-3,"
                f"用 gridmap db backup 备份,再移走该文件夹并用 gridmap db restore 恢复。数据没有被改动。",
                f"The data folder {self.data} belongs to PostgreSQL {wanted}; installed here: "
                f"{', '.join(map(str, installed)) or 'none'}. Install postgresql-{wanted}-postgis-3, make a copy with "
                "gridmap db backup, move the folder away and bring the copy back with gridmap db restore. "
                "Nothing was changed.",
            )
        if not installed:
            raise NotReady(
                f"没有找到 PostgreSQL 和 PostGIS。请以 root 身份运行:{INSTALL_LINE}",
                f"PostgreSQL with PostGIS was not found. Run as root: {INSTALL_LINE}",
            )
        return installed[wanted if wanted is not None else max(installed)]

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            _own(self.root, 0o700)
        except OSError as error:
            raise NotReady(
                f"无法使用数据文件夹 {self.root}:{error.strerror}。请设置 GRIDMAP_DATA_DIR。",
                f"The data folder {self.root} cannot be used: {error.strerror}. Set GRIDMAP_DATA_DIR.",
            ) from error
        self._check_reachable()
        with (self.root / "lock").open("w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _check_reachable(self) -> None:
        if os.geteuid() != 0:
            return
        for folder in self.root.parents:
            if not folder.stat().st_mode & 0o001:
                raise NotReady(
                    f"PostgreSQL 以用户 postgres 运行,不能进入文件夹 {folder}(权限不足)。"
                    f"请把 GRIDMAP_DATA_DIR 设到例如 /var/lib/gridmap。",
                    f"PostgreSQL runs as user postgres, who cannot enter the folder {folder}. "
                    "Set GRIDMAP_DATA_DIR to a folder such as /var/lib/gridmap.",
                )

    def _run(self, program: Path, *arguments: str) -> None:
        owner = _server_owner()
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
        # the server keeps what it inherits: a pipe would wait for it, a file does not
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603
                [str(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                check=False,
                **as_owner,  # type: ignore[call-overload]
            )
            if done.returncode:
                output.seek(0)
                said = output.read().decode("utf-8", "replace").strip()[-2000:]
                raise NotReady(
                    f"{program.name} 失败(退出码 {done.returncode}):{said}",
                    f"{program.name} failed with exit code {done.returncode}: {said}",
                )


def installed_majors() -> dict[int, Path]:
    """Return the folders of the PostgreSQL server programs on this machine by major version."""
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
    ]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found: dict[int, Path] = {}
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            match = re.search(r"(\d+)", folder.parent.name)
            major = int(match.group(1)) if match else _asked_major(folder)
            if major in SUPPORTED_MAJORS:
                found.setdefault(major, folder)
    return dict(sorted(found.items()))


def _asked_major(folder: Path) -> int:
    said = subprocess.run(  # noqa: S603
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"(\d+)\.", said)
    return int(match.group(1)) if match else 0


def _server_owner() -> pwd.struct_passwd:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError as error:
        raise NotReady(
            f"系统中没有用户 postgres。请以 root 身份运行:{INSTALL_LINE}",
            f"There is no user postgres on this machine. Run as root: {INSTALL_LINE}",
        ) from error


def _own(folder: Path, mode: int) -> None:
    folder.mkdir(exist_ok=True, mode=mode)
    owner = _server_owner()
    if os.geteuid() == 0 and folder.stat().st_uid != owner.pw_uid:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(mode)


def _socket_folder(root: Path) -> Path:
    beside = root / "run"
    if len(str(beside)) < _SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432.lock"):
        return beside
    name = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"gridmap-{os.geteuid()}-{name}"


def _first_number(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(path.read_text(encoding="utf-8").split("\n", 1)[0])
    return None


def _is_postgres(pid: int, data: Path) -> bool:
    """Tell whether the process is a PostgreSQL server of that data folder (its working directory)."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except (FileNotFoundError, NotADirectoryError):
        if Path("/proc/self").exists():
            return False
        return _answers(pid)
    except PermissionError:
        return _answers(pid)


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tail(path: Path, lines: int = 8) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""
