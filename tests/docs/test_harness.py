"""docs/harness.md is true: its commands run, on models that answer by rule; its switches exist."""

import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from pipeline.cli import app
from prompt_lab.benchmark.folders import read_all_results
from prompt_lab.benchmark.harness_config import (
    HarnessConfig,
    list_versions,
    merge_layers,
    parse_assignment,
)
from prompt_lab.store.layout import Lab
from tests.docs.readme import ROOT, blocks
from tests.pipeline.terminal import Said, forked, luigi
from tests.pipeline.world import NUMBER, READS_FIRST, World, scripted

PAGE = "docs/harness.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
COMMANDS = [line for block in blocks("sh", PAGE) for line in block.text.splitlines()]
RESTARTS = "benchmark warm-up"
"""The command that needs a server of ours; tests/examples/test_demo_harness.py runs one like it."""


def test_every_switch_of_the_page_is_a_key_of_the_config() -> None:
    found = re.findall(r"config set\s+'?([a-z_.MODEL]+=[^`' ]+)", TEXT)
    assert len(set(found)) >= 8
    for text in found:
        merge_layers(HarnessConfig(), parse_assignment(text))


def test_every_script_of_the_page_is_there() -> None:
    scripts = set(re.findall(r"`scripts/(\w+\.py)", TEXT))
    assert len(scripts) == 8
    assert all((ROOT / "scripts" / name).exists() for name in scripts)


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = scripted({"rules": [{"answer": '{"amount": {1}}', "answer_regex": NUMBER}]})
    models = {"smollm2": good, "smollm2-short": scripted(READS_FIRST)}
    world = World(tmp_path / "world", models=models, train=12, verify=1).make()
    for name in ("atomic", "extended"):
        suite = {"phase": name, "step": "read_sum", "repeats": 3, "models": ["smollm2"]}
        suite["plans"] = [f"plan_train_{n:03d}" for n in range(12)]
        path = world.root / f"configs/suites/{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(suite))
    said = {}
    for command in COMMANDS:
        if RESTARTS not in command:
            said[command] = run(world, shlex.split(command))
            assert said[command].code == 0, f"{command}\n{said[command].err}"
    lab = Lab(world.lab)
    assert any(row.key == "smollm2::atomic" for row in read_all_results(lab)[0].models)
    assert [one.values for one in list_versions(lab)] == [{"gates": {"recent_runs": 4}}, {}]
    forced = next(text for text in said if "--force-model" in text)
    assert "smollm2-short::extended: 0 of 12" in said[forced].out
    blocked = forced.removesuffix(" --force-model")
    assert "Blocked: smollm2-short on extended" in said[blocked].out


def run(world: World, words: list[str]) -> Said:
    """A command of the page in a process of its own."""
    if words[0] == "luigi":
        return luigi(world, *words[3:])
    main: Callable[[], object] = partial(app.main, words[1:])
    return forked(world, main, {})
