"""What every test may ask for, and the rule that nothing is skipped in silence."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_BE_SKIPPED_IN_CI: tuple[str, ...] = ()
"""Reasons that CI accepts, word for word. None: CI has all that the tests need."""


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Vectors and data that lie beside the checkout: $HOMEBEAT_SHARED, or ../shared."""
    folder = Path(os.environ.get("HOMEBEAT_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(
            f"NOT TESTED: no folder {folder}. It holds the vectors from outside sources; "
            "name it in HOMEBEAT_SHARED."
        )
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last.

    Playwright, driven synchronously, leaves an event loop running in its thread, in which no
    later test could start its own.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


class _Skips:
    """Fails a run in CI in which something was skipped."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            longrepr = report.longrepr
            reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
            reason = reason.removeprefix("Skipped: ")
            if reason not in MAY_BE_SKIPPED_IN_CI:
                self.reasons[report.nodeid] = reason

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.reasons and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.reasons:
            terminalreporter.section("skipped, which CI does not accept", red=True)
            for test, reason in self.reasons.items():
                terminalreporter.write_line(f"{test}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    worker = hasattr(config, "workerinput")
    if os.environ.get("CI", "").lower() in ("1", "true") and not worker:
        config.pluginmanager.register(_Skips(), "no-silent-skips")
