"""What every run of the tests keeps to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason="no database")
def test_marked(): ...

def test_skips(): pytest.skip("no browser")

def test_without_library(): pytest.importorskip("no_such_library")

@pytest.mark.xfail
def test_expected(): assert False

def test_good(): ...
"""


def test_skipped_tests_fail_the_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(HERE)!r})\nfrom tests.unskipped import pytest_runtest_makereport\n"
    )
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "3 failed, 1 passed, 1 error" in done.stdout
    assert "A skipped test fails the run." in done.stdout


def test_the_run_uses_it() -> None:
    from tests import conftest, unskipped

    assert conftest.pytest_runtest_makereport is unskipped.pytest_runtest_makereport
