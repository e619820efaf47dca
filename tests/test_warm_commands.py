"""A warm command is the process that subprocess would have started, but for how it began."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm_commands

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks through a pidfd"),
]
PROGRAM = """import atexit, json, os, sys, threading
atexit.register(lambda: print("at exit"))
print(json.dumps({
    "argv": sys.argv, "main": __name__, "file": __file__, "path": sys.path[0], "cwd": os.getcwd(),
    "env": dict(os.environ), "leads": os.getsid(0) == os.getpid(), "input": sys.stdin.read(),
    "fds": len(os.listdir("/proc/self/fd")), "luigi": "luigi" in sys.modules,
    "buffered": not sys.stdout.write_through,
}))
threading.Timer(0.1, lambda: print("a thread", file=sys.stderr)).start()
if sys.argv[1:] == ["raise"]:
    raise ValueError("no")
sys.exit(7)
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return [sys.executable, str(file)]


@pytest.mark.parametrize("words", [["a", "b ü"], ["raise"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_is_what_subprocess_starts(
    program: list[str], words: list[str], unbuffered: str, tmp_path: Path
) -> None:
    env = {**os.environ, "OWN": "ü", "PYTHONUNBUFFERED": unbuffered}
    ends = []
    for kind in (subprocess.Popen, warm_commands.Warm):
        process = kind(
            [*program, *words], cwd=tmp_path, env=env, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = process.communicate("said")
        told, *rest = out.splitlines()
        ends.append((json.loads(told), rest, process.returncode, err.splitlines()[-1]))
    assert ends[0] == ends[1]
    assert (ends[1][0]["leads"], ends[1][0]["luigi"]) == (True, False)


def test_its_pid_can_be_killed_and_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "sleeps.py"
    file.write_text("import time\nprint('up', flush=True)\ntime.sleep(300)\n")
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, -2)):
        command = [sys.executable, str(file)]
        with warm_commands.popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            assert isinstance(process, warm_commands.Warm)
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
            os.killpg(process.pid, number)
            assert process.wait(60) == code


def test_what_an_interpreter_reads_at_its_start_starts_one(program: list[str]) -> None:
    env = {**os.environ, "PYTHONWARNINGS": "error"}
    with warm_commands.popen(
        program, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        assert not isinstance(process, warm_commands.Warm)
        assert process.wait() == 7
    with warm_commands.popen(["sh", "-c", "exit 3"]) as process:
        assert not isinstance(process, warm_commands.Warm)
        assert process.wait() == 3
