"""The emulator of GitHub that we did not write (npm's `emulate`), installed once, on loopback."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from tests.loopback import free_port
from tests.processes import HANG_SECONDS

CACHE = Path(__file__).parents[4] / ".venv" / "emulate"
FILES = Path(__file__).parent / "emulate"
TOKEN = "ghp_lab"
LEAST_NODE = 20


def installed(cache: Path = CACHE) -> Path:
    """The folder it is installed in. Skips the test where that cannot be done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("the GitHub emulator needs node and npm on the PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < LEAST_NODE:
        pytest.skip(f"the GitHub emulator needs node {LEAST_NODE}, this is {version.stdout}")
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        _install(cache, npm)
    return cache


def _install(cache: Path, npm: str) -> None:
    lock = b"".join((FILES / name).read_bytes() for name in ("package-lock.json", "start.js"))
    if not (cache / "done").exists() or (cache / "done").read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FILES / name, cache / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot install the GitHub emulator: {done.stderr[-300:]}")
        shutil.copy(FILES / "start.js", cache / "start.js")
        (cache / "done").write_bytes(lock)


class Emulator:
    """A running one. `app_key` is the private key of the App that it shall know."""

    def __init__(self, folder: Path, app_key: str = "") -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            ["node", "start.js", str(self.port)],
            cwd=folder,
            env={**os.environ, "EMULATE_APP_KEY": app_key, "EMULATE_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == "listening\n", said + self._process.stdout.read()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=HANG_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
