"""A skipped test fails: what was not run has not been tested."""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of a skipped test, or of one that is expected to fail, into that of a failed one."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"A skipped test fails the run. {report.longrepr}"
    return report
