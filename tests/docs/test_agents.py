"""docs/agents-in-the-loop.md is true: configs validate, every code is in its table, it runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import Iteration
from prompt_lab.agents.refusals import Refusal
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import load
from prompt_lab.names import Outcome
from prompt_lab.propose.budget import Breach
from tests.docs.readme import ROOT
from tests.pipeline.conftest import make_world  # noqa: F401 -- a fixture
from tests.pipeline.world import World

TEXT = (ROOT / "docs/agents-in-the-loop.md").read_text("utf-8")
CONFIGS = {
    name: text
    for name, text in re.findall(r"^```yaml\n# configs/agents/(\w+)\.yaml\n(.*?)^```$", TEXT,
                                 re.MULTILINE | re.DOTALL)
}  # fmt: skip


@pytest.mark.parametrize("name", ["claude", "small", "rehearsal"])
def test_every_config_validates(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(CONFIGS[name])
    assert load(path, AgentConfig, name=name).paths


def test_every_reason_code_is_explained_and_no_other() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    assert rows == {code.value for kind in (Breach, Refusal) for code in kind}


def test_its_flags_are_parameters() -> None:
    commands = "\n".join(re.findall(r"^luigi .*$", TEXT, re.MULTILINE))
    known = {name.replace("_", "-") for name, _ in Iteration.get_params()}
    assert set(re.findall(r"--([a-z-]+)", commands)) - {"module"} <= known


@pytest.mark.slow
def test_the_rehearsal_runs(make_world: Callable[..., World]) -> None:  # noqa: F811
    world = make_world()
    path = world.root / "configs/agents/rehearsal.yaml"
    path.parent.mkdir()
    path.write_text(CONFIGS["rehearsal"])
    assert world.iterate(agent="rehearsal")
    assert world.verdict(1).outcome is Outcome.YES
