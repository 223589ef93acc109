"""``./dev`` on machines where something is missing: what it says to whom, and what it installs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
NEEDED = "postgresql-15-postgis-3 python3-venv"
FOR_TESTS = "chromium libatomic1 fonts-noto-cjk fontconfig"
LINE = "apt-get update && apt-get install -y --no-install-recommends"
PLAIN = (
    "bash", "cat", "cmp", "cut", "dirname", "env", "flock", "grep", "head", "mktemp", "mv", "readlink", "rm", "sed",
    "sha256sum", "tr", "true",
)  # fmt: skip
# a Python that is new enough and has no venv; told to make one, it says so
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) exit 0 ;;
  *ensurepip*) exit 1 ;;
  *fcntl*) echo waited-for-others >> LOG ;;
  *) echo "python3 $*" >> LOG; exit 9 ;;
esac
"""

Machine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Run ``./dev`` where the distribution has nothing of what it needs, as root or as anybody else."""
    programs, system, project = (tmp_path / name for name in ("bin", "system", "project"))
    for folder in (programs, system / "usr" / "share", project):
        folder.mkdir(parents=True)
    for name in PLAIN:
        (programs / name).symlink_to(shutil.which(name) or "missing")
    (system / "os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    text = (REPOSITORY / "dev").read_text(encoding="utf-8")
    for there in ("/usr/share", "/usr/pgsql", "/usr/lib"):
        assert there in text
        text = text.replace(there, f"{system}{there}")
    (project / "dev").write_text(text.replace("/etc/os-release", str(system / "os-release")), encoding="utf-8")
    log = tmp_path / "log"
    log.touch()

    def program(name: str, script: str) -> None:
        (programs / name).write_text(script.replace("LOG", str(log)))
        (programs / name).chmod(0o755)

    def go(*arguments: str, root: bool, apt: str = 'echo "apt-get $*" >> LOG') -> subprocess.CompletedProcess[str]:
        program("id", f"#!/bin/sh\necho {0 if root else 1000}\n")
        program("python3", PYTHON)
        program("apt-get", f"#!/bin/sh\n{apt}\n")
        program("dpkg", '#!/bin/sh\necho "dpkg $*" >> LOG\n')
        done = subprocess.run(
            [programs / "bash", project / "dev", *arguments],
            env={"PATH": str(programs), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert [file.name for file in project.iterdir()] == ["dev"]
        return subprocess.CompletedProcess(done.args, done.returncode, log.read_text(), done.stderr)

    return go


@pytest.mark.parametrize(
    ("command", "packages"),
    [("demo --once", NEEDED), ("serve", NEEDED), ("run true", NEEDED), ("test", f"{NEEDED} {FOR_TESTS}")],
)
def test_an_ordinary_user_gets_one_message_with_the_line_to_run(machine: Machine, command: str, packages: str) -> None:
    done = machine(*command.split(), root=False)
    assert done.returncode == 1
    assert done.stdout == ""
    *words, line = done.stderr.splitlines()
    assert line == f"  {LINE} {packages}"
    assert len(words) == 2
    assert all("docs/install.md" in word for word in words)


def test_root_gets_the_packages_without_their_chatter_and_the_environment_is_begun(machine: Machine) -> None:
    done = machine("test", root=True, apt='echo "apt-get $*" >> LOG; echo Selecting previously unselected package')
    assert done.stdout.splitlines() == [
        "waited-for-others",
        "dpkg --configure -a",
        "apt-get update -qq",
        f"apt-get install -y --no-install-recommends {NEEDED} {FOR_TESTS} -qq",
        "python3 -m venv .uv",
    ]
    assert "Selecting" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_when_packages_cannot_be_installed_it_says_why_and_how_by_hand(machine: Machine) -> None:
    done = machine("demo", root=True, apt="echo 'E: no such host' >&2; exit 100")
    assert done.returncode == 1
    assert "E: no such host" in done.stderr
    assert done.stderr.endswith(f"  {LINE} {NEEDED}\n")


def test_the_documents_name_the_same_packages() -> None:
    install = (REPOSITORY / "docs" / "install.md").read_text(encoding="utf-8")
    assert f"| Debian 12 | `{NEEDED}` | `{FOR_TESTS}` | yes |" in install
    assert install.count("| yes |") == 1
