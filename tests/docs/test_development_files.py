"""What CI, the hooks and the templates name is there; `make` refuses a Python that is too old."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
NAMES_TARGETS = (
    ".ci/run",
    ".pre-commit-config.yaml",
    ".github/PULL_REQUEST_TEMPLATE.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
)


def supported() -> list[str]:
    """The minor versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    return [f"3.{minor}" for minor in range(50) if allowed.contains(f"3.{minor}.5")]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_ci_and_make_take_each_python_that_the_project_allows() -> None:
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["checks"]
    assert job["strategy"]["matrix"]["python"] == supported()
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    searched = re.search(r"for p in (.*?); do", makefile)
    assert searched is not None
    assert set(searched[1].split()) == {f"python{v}" for v in supported()} | {"python3", "python"}
    lowest, above = (tuple(map(int, pair)) for pair in re.findall(r"\((\d), (\d+)\)", makefile)[:2])
    assert [f"3.{minor}" for minor in range(lowest[1], above[1])] == supported()


def test_ci_runs_commands_that_are_there() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["checks"]["steps"]
    commands = [shlex.split(step["run"])[0] for step in steps if "run" in step]
    assert commands == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


@pytest.mark.parametrize("name", NAMES_TARGETS)
def test_each_make_target_that_is_named_is_in_the_makefile(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    named = re.findall(r"(?:^|[`| ])make ([a-z][a-z-]*)(?=[` \n])", text, re.MULTILINE)
    named = [word for word in named if f"`make {word}" in text or name.startswith(".")]
    assert set(named) <= targets()


def test_the_tests_begin_with_the_minutes_that_they_take() -> None:
    rules = (ROOT / "Makefile").read_text("utf-8").split("\ntest: ")[1].split("\n.PHONY")[0]
    said, kept = rules.index("$(VENV)/.test-minutes"), rules.index("> $(VENV)/.test-minutes")
    assert rules.index("@echo") < said < rules.index("pytest") < kept


def test_the_hooks_need_nothing_but_make() -> None:
    repositories = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    entries = [shlex.split(hook["entry"]) for one in repositories for hook in one["hooks"]]
    assert entries
    for program, target in entries:
        assert program == "make"
        assert target in targets()


FAKE = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
*pip*) exit 1 ;;
-c*) exec {python} -c 'import sys; sys.version_info = {version}; exec(sys.argv[1])' "$2" ;;
--version*) echo "Python {number}" ;;
*) exit 3 ;;
esac
"""


def fake_python(path: Path, number: str) -> Path:
    """An interpreter that reports this version, logs its arguments, and makes no environment."""
    version = tuple(map(int, number.split(".")))
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.parent / f"{path.name}.log"
    path.write_text(FAKE.format(log=log, python=sys.executable, version=version, number=number))
    path.chmod(0o755)
    return log


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that `make setup` reads, in a folder of their own."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "locks", folder / "locks")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(clone: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=clone, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_python_that_is_too_old_leaves_nothing(clone: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin/python3.10"
    log = fake_python(old, "3.10.12")
    done = make(clone, f"PYTHON={old}", "demo")
    assert done.returncode != 0
    assert f"PYTHON={old} is Python 3.10.12: Prompt Lab needs Python 3.11" in done.stderr
    assert not (clone / ".venv").exists()
    assert "venv" not in log.read_text()
    gone = make(clone, f"PYTHON={tmp_path}/none", "demo")
    assert gone.returncode != 0
    assert "is not there: Prompt Lab needs Python 3.11" in gone.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("left", ["3.10.12", "", "3.12.1"])
def test_a_set_up_that_was_not_finished_starts_again(
    clone: Path, tmp_path: Path, left: str
) -> None:
    """What an earlier version left: another Python, one that is gone, or one that has no pip."""
    (clone / ".venv/bin").mkdir(parents=True)
    if left:
        fake_python(clone / ".venv/bin/python", left)
    else:
        (clone / ".venv/bin/python").symlink_to(tmp_path / "none")
    if left != "3.12.1":
        (clone / ".venv/bin/uv").touch()
    log = fake_python(tmp_path / "bin/python3.12", "3.12.1")
    done = make(clone, f"PYTHON={tmp_path}/bin/python3.12", "demo")
    assert done.returncode != 0  # this one makes no environment
    assert "-m venv --clear .venv" in log.read_text(), done.stderr
