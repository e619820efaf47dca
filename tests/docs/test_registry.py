"""docs/registry.md is executed: its commands in order, its Python, its manifest, its config."""

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from prompt_lab.config.base import load
from prompt_lab.config.lab import TargetConfig
from prompt_lab.prompts.guard import GuardCode
from prompt_lab.prompts.manifest import SHIPPED, PromptManifest
from tests.docs.readme import ROOT, blocks

PAGE = "docs/registry.md"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the shipped configs beside the lab."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTLAB_ROOT", "lab")
    return tmp_path / "lab"


def test_the_commands_and_the_python_run_in_their_order(lab: Path) -> None:
    for block in blocks("sh", PAGE):
        for line in block.text.splitlines():
            words = shlex.split(line)
            assert words[0] == "prompt-lab"
            done = CliRunner().invoke(app, words[1:])
            assert done.exit_code == 0, (line, done.output, done.exception)
    for code, shown in zip(blocks("python", PAGE), blocks("text", PAGE), strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code.text, {})
        assert printed.getvalue() == shown.text
    assert (lab / "prompts/promotions.jsonl").is_file()


def test_its_options_are_there() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    for words in re.findall(r"`prompt-lab prompts (\w+)", text.replace("\n", " ")):
        assert CliRunner().invoke(app, ["prompts", words, "--help"]).exit_code == 0, words


def test_the_manifest_and_the_config_validate(tmp_path: Path) -> None:
    [manifest] = blocks("json", PAGE)
    assert PromptManifest.model_validate(json.loads(manifest.text)).id == "greet"
    [config] = blocks("yaml", PAGE)
    (tmp_path / "shop.yaml").write_text(config.text)
    assert load(tmp_path / "shop.yaml", TargetConfig, name="shop").registry


def test_every_guard_code_is_explained_and_no_other() -> None:
    table = (ROOT / PAGE).read_text("utf-8").partition("## The guard")[2].partition("## Trials")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert codes == {code.value for code in GuardCode}


def test_the_shipped_prompts_are_those_of_the_shipped_manifests() -> None:
    assert {path.stem for path in (ROOT / "configs/registry").glob("*.txt")} == {
        manifest.id for manifest in SHIPPED
    }
