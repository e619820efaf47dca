"""Boxes to work in, and the two commands from npm in a cache of their own."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from prompt_lab.agents.port import AgentJob

CACHE = Path(__file__).parents[3] / ".venv" / "agent-commands"
PACKAGES = {
    "claude": "@anthropic-ai/claude-code@2.1.197",
    "codex": "@openai/codex@0.169.0",
}
MakeJob = Callable[..., AgentJob]


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    """Makes a job on a copy with one prompt; a lab with a secret lies beside it."""
    box, lab = tmp_path / "box", tmp_path / "lab"
    for folder in (box / "tree", box / "home", lab / "verify"):
        folder.mkdir(parents=True)
    (box / "tree/prompt.txt").write_text("Extract the amount.\n")
    (lab / "verify/gold.txt").write_text("gold of verify: 4711\n")

    def make(prompt: str = "Work.", *, writes: bool = True) -> AgentJob:
        return AgentJob(prompt, box / "tree", box / "home", (lab,), writes)

    return make


@pytest.fixture(scope="session")
def command() -> Callable[[str], str]:
    """The path of a command by its name, installed from npm once; skips where that cannot be."""

    def installed(name: str) -> str:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed: the real commands cannot be had")
        folder = CACHE / PACKAGES[name].replace("/", "_")
        found = folder / "node_modules/.bin" / name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not (folder / "made").exists():
                _install(npm, PACKAGES[name], folder)
                (folder / "made").touch()
        return str(found)

    return installed


def _install(npm: str, package: str, folder: Path) -> None:
    args = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--prefix",
        str(folder),
        package,
    ]
    done = subprocess.run(
        args, env={**os.environ, "npm_config_update_notifier": "false"}, capture_output=True,
        text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm cannot install {package}: {done.stderr.strip()[-200:]}")
