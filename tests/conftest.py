"""In CI a skipped test has failed, unless it stands, with its reason, in allowed_skips.txt.

Ctrl-C reaches what the tests start, also where the tests themselves were started in the background
by a shell that lets such commands ignore it. A failure is printed at once, also in a run that is
cut off later.
"""

import gc
import os
import re
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import HealthCheck, settings

from adapters.sandbox.bubblewrap import SETTING, why_no_sandbox
from tests.adapters.code_host.hub.emulator import Emulator, installed

signal.signal(signal.SIGINT, signal.default_int_handler)
# As in the Makefile: without stored bytecode each process would compile its imports again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# An example that takes long tells of the machine, not of the code: who means time, asserts it.
# `pytest --hypothesis-profile thorough` takes ten times as many examples of each property.
for profile, examples in (("lab", 40), ("thorough", 400)):
    settings.register_profile(
        profile,
        deadline=None,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("lab")
if why_no_sandbox():  # what is not about the sandbox is tested all the same
    os.environ.setdefault(SETTING, "none")
ALLOWED = Path(__file__).with_name("allowed_skips.txt")
LAST_LINES = 25
vars(os)["fsync"] = os.fstat  # fails for a closed handle too; no test waits for the disk itself
gc.disable()  # until all tests are collected: what is imported stays


def pytest_collection_finish() -> None:
    """Take what was collected out of later collections: they, and forks, leave it untouched."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)  # when there is a terminal
def pytest_configure(config: pytest.Config) -> None:
    """Print failures as they come; only the process with the terminal does."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(FailurePrinter(terminal))


class FailurePrinter:
    """Prints the id and the last lines of each failure when it is reported."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a failed phase of a test; under xdist the controller receives all reports."""
        if report.failed:
            lines = report.longreprtext.splitlines()[-LAST_LINES:]
            self._terminal.write_line(f"\nFAILED {report.nodeid} ({report.when})")
            self._terminal.write_line("\n".join(lines))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What -n auto means: two for each core, since tests wait about half of their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for doctests in the packages alone: the files of the tests have none."""
    found = yield
    return [one for one in found if not isinstance(one, DoctestModule)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip that nobody allowed into a failure."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("CI") and not _allowed().fullmatch(item.nodeid):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI without standing in {ALLOWED.name}: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The emulator of GitHub, one for all tests."""
    running = Emulator(installed())
    yield running
    running.close()


def _allowed() -> re.Pattern[str]:
    """The ids of the list; a * in one stands for anything."""
    lines = ALLOWED.read_text("utf-8").splitlines()
    ids = [line.split("  ")[0] for line in lines if line and not line.startswith("#")]
    return re.compile("|".join(".*".join(map(re.escape, one.split("*"))) for one in ids))
