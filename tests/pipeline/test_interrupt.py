"""Ctrl-C while the imports still run: one line, and no trace."""

import subprocess
import sys

import pytest

from tests.processes import HANG_SECONDS

pytestmark = pytest.mark.slow
PRESSED = """
import os, signal, sys
sys.argv[0] = "luigi"  # an import by another program leaves its excepthook alone
class AtImport:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, AtImport())
import pipeline
"""


@pytest.mark.parametrize(
    "where",
    ["luigi.interface", "pipeline.tasks.base", "pipeline.tasks.iteration"],
)
def test_ctrl_c_during_the_imports_is_one_line(where: str) -> None:
    command = [sys.executable, "-c", PRESSED, where]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr == "\nStopped by Ctrl-C. The same command goes on from here.\n"
