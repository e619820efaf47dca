"""docs/runner.md is true: its commands run, its flags are all there are, its profile is one."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from adapters.llm.llama_index_class import CLASSES
from pipeline.cli.run import app
from prompt_lab.config.profiles import CUSTOM_FILE, HOME, PROFILE, read_profile
from tests.docs.readme import ROOT

PAGE = (ROOT / "docs/runner.md").read_text("utf-8")


def block(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]


def test_every_flag_is_on_the_page_and_no_other() -> None:
    known = {option for each in typer.main.get_command(app).params for option in each.opts}
    rows = set(re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.MULTILINE))
    assert rows == known


def test_the_profile_is_one(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(block("json"))
    [model] = read_profile(tmp_path / "p.json", {}).values()
    assert (model.workers, model.key_env) == (4, "OPENROUTER_API_KEY")


def test_every_variable_and_class_is_named() -> None:
    assert [name for name in (PROFILE, CUSTOM_FILE, HOME, *CLASSES) if name not in PAGE] == []


@pytest.mark.slow
@pytest.mark.model
def test_the_commands_run(tmp_path: Path) -> None:
    for name in (".venv", "luigi.cfg", "configs"):
        (tmp_path / name).symlink_to(ROOT / name)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI"))}
    said = subprocess.run(
        ["sh", "-ec", block("sh")],
        check=False,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    shown = block("text").splitlines()[1:]
    assert said.stdout.splitlines()[-3:] == shown
    assert (tmp_path / "lab/history/0/00_extract_invoice/outputs/inv_t001_bakery/run.json").exists()
