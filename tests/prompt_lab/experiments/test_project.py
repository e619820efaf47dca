"""promptlab.yaml: faults are named by file, line and key; what it lacks is looked for elsewhere."""

from pathlib import Path

import pytest

from pipeline.settings import PACKAGE, default_configs
from prompt_lab.config.lab import StepConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.policy import Policy
from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.experiments.project import ConfigFiles, read_project

DEFAULTS = "defaults: {step: read, models: [mini]}\n"
STEPS = """steps:
  read:
    adapter: extract_invoice
    target: shop
    prompt: prompt.txt
    primary: fields
"""


def files(tmp_path: Path, text: str) -> ConfigFiles:
    project = tmp_path / "promptlab.yaml"
    project.write_text(text)
    return ConfigFiles(tmp_path / "configs", default_configs(), project)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (DEFAULTS + "stepz: {}\n", "promptlab.yaml:2: stepz: unknown key"),
        (DEFAULTS + STEPS + "    promt: x\n", "promptlab.yaml:8: steps.read.promt: unknown key"),
        (DEFAULTS + "steps:\n  read: 3\n", "promptlab.yaml:3: steps.read: must be a mapping"),
        (DEFAULTS + "lab: a\nlab: b\n", "promptlab.yaml:3: lab: is there twice"),
        ("lab: a\n", "promptlab.yaml:1: defaults: Field required"),
        (DEFAULTS + "policies:\n  x: {alpha: 2}\n", "promptlab.yaml:3: policies.x.alpha"),
        ("- a\n", "promptlab.yaml:1: must be a mapping"),
        ("{", "promptlab.yaml:1: is not YAML"),
    ],
)
def test_a_fault_names_file_line_and_key(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files(tmp_path, text).defaults()
    assert fault in str(caught.value)


def test_sections_come_before_the_folder_and_the_folder_before_what_is_shipped(
    tmp_path: Path,
) -> None:
    found = files(tmp_path, DEFAULTS + STEPS + "policies:\n  mine: {alpha: 0.01}\n")
    assert found.entry("steps", StepConfig, "step", "read").name == "read"
    assert found.entry("policies", Policy, "policy", "mine").alpha == 0.01
    assert found.entry("policies", Policy, "policy", "default").name == "default"
    assert "smollm2" in found.entries("models", ModelConfig)
    assert found.prompt("judge.md.j2") == default_configs() / "prompts/judge.md.j2"

    own = tmp_path / "configs"
    (own / "models").mkdir(parents=True)
    (own / "prompts").mkdir()
    (own / "policies").mkdir()
    (own / "prompts/judge.md.j2").write_text("Which?")
    (own / "policies/default.yaml").write_text("alpha: 0.02\n")
    assert found.entries("models", ModelConfig) == {}
    assert found.prompt("judge.md.j2") == own / "prompts/judge.md.j2"
    assert found.entry("policies", Policy, "policy", "default").alpha == 0.02
    assert found.entry("policies", Policy, "policy", "mine").alpha == 0.01


def test_an_unknown_name_says_where_it_would_stand(tmp_path: Path) -> None:
    found = files(tmp_path, DEFAULTS + STEPS)
    with pytest.raises(UnknownName, match=r"Did you mean 'read'.*promptlab.yaml \(steps\)"):
        found.entry("steps", StepConfig, "step", "raed")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    found = files(tmp_path, DEFAULTS)
    assert found.defaults().step == "read"
    files(tmp_path, DEFAULTS.replace("read", "write it"))
    assert found.defaults().step == "write it"


def test_the_file_that_init_writes_is_valid() -> None:
    project = read_project(PACKAGE / "project/promptlab.yaml")
    assert project.defaults.step in project.steps
