"""docs/api.md is executed on a lab of scripted models; the import itself loads nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import prompt_lab
from prompt_lab.decide import verdict
from tests.pipeline.world import REPOSITORY, World

PAGE = (REPOSITORY / "docs/api.md").read_text("utf-8")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
MARK = "--- block ---"


def python(code: str, folder: Path, *paths: Path) -> "subprocess.CompletedProcess[str]":
    """Run code in a folder, with `paths` first on the path."""
    search = ":".join(map(str, (*paths, REPOSITORY)))
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_examples_print_what_the_page_shows(tmp_path: Path) -> None:
    world = World(tmp_path / "world").make()
    blocks = BLOCK.findall(PAGE)
    done = python("\n".join(f"{code}\nprint({MARK!r})" for code, _ in blocks), world.root)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.replace(str(world.root), "…").split(f"{MARK}\n")
    assert [text.strip() for text in printed[:-1]] == [text.strip() for _, text in blocks]
    assert (world.folder(1) / "summary.txt").is_file()


def test_every_public_name_is_on_the_page_and_can_be_imported() -> None:
    table = PAGE.partition("## All names")[2]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(
        prompt_lab.__all__
    )
    assert all(getattr(prompt_lab, name) is not None for name in prompt_lab.__all__)
    assert set(prompt_lab.__all__) <= set(dir(prompt_lab))
    assert prompt_lab.decide_pairs is verdict.decide
    with pytest.raises(AttributeError, match="no attribute 'decide_all'"):
        _ = prompt_lab.decide_all


def test_the_import_loads_no_other_module_of_ours_and_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
import prompt_lab
heavy = {"pydantic", "scipy", "numpy", "luigi", "llama_index", "pipeline", "adapters", "yaml"}
ours = {name for name in sys.modules if name.startswith("prompt_lab.")} - {"prompt_lab.lazy"}
sys.exit(repr(ours | heavy & set(sys.modules)) if ours or heavy & set(sys.modules) else 0)
"""
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_deciding_imports_no_luigi(tmp_path: Path) -> None:
    code = "import sys, prompt_lab as p; p.decide_pairs; sys.exit('luigi' in sys.modules)"
    assert python(code, tmp_path).returncode == 0


def test_without_pandas_the_records_say_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text("raise ImportError('not here')\n")
    code = """
from prompt_lab import LabError, Records
try:
    Records([{"a": 1}]).to_pandas()
except LabError as error:
    print(error)
"""
    done = python(code, tmp_path, tmp_path)
    assert "pip install pandas" in done.stdout, done.stderr


def test_options_and_iterations_that_are_not_there_are_named(tmp_path: Path) -> None:
    world = World(tmp_path / "world", train=2, verify=2).make()
    lab = prompt_lab.open_lab(world.lab, world.root / "configs")
    with pytest.raises(prompt_lab.LabError, match="brunch: no option of an iteration"):
        lab.run_iteration(brunch="x")
    with pytest.raises(prompt_lab.LabError, match="there is no iteration 3"):
        lab.read_verdict(3)
    with pytest.raises(prompt_lab.LabError, match="give 'train' or 'verify'"):
        lab.list_rows(split="test")
    assert (lab.list_iterations(), lab.list_verdicts(), lab.list_rows()) == ([], [], [])
