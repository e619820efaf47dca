"""docs/extending.md is executed: its package takes part in an iteration with scripted models."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from prompt_lab.names import Outcome
from tests import warm_commands
from tests.pipeline.world import REPOSITORY, World

PAGE = (REPOSITORY / "docs/extending.md").read_text("utf-8")
LONGEST = 30


def blocks(language: str) -> list[str]:
    """The code blocks of the page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the page's package, as an installer would leave it there."""
    site = tmp_path / "site"
    info = site / "shop_lab-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "shop_lab.py").write_text("\n\n".join(blocks("python")))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-lab\nVersion: 1.0\n")
    [project] = blocks("toml")
    groups = tomllib.loads(project)["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
        for group, names in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return site


def run(world: World, package: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    """One iteration in a process of its own that has the package on its path."""
    environment = {**os.environ, **world.env, "PYTHONPATH": f"{package}:{REPOSITORY}"}
    command = [str(warm_commands.BIN / "luigi"), "--module", "pipeline"]
    return warm_commands.run(
        [*command, "Iteration", "--local-scheduler", *flags], cwd=REPOSITORY, env=environment
    )


def test_every_block_is_short() -> None:
    assert all(block.count("\n") < LONGEST for block in blocks("python"))


@pytest.mark.slow
@pytest.mark.parametrize("own_kind", [False, True])
def test_the_page_s_package_takes_part_in_an_iteration(
    package: Path, tmp_path: Path, own_kind: bool
) -> None:
    [config] = map(yaml.safe_load, blocks("yaml"))
    kind = {"adapter": "read_note", "primary": "right"}
    world = World(tmp_path / "world", train=6, verify=6, step=kind if own_kind else config).make()
    done = run(world, package, "--analysts", "metrics,low_scores")
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (world.lab / "analysis").glob("*/synthesis.md")
    folder = folder.parent
    assert "low_score" in (folder / "insight_low_scores.md").read_text()
    change = json.loads((folder / "change.json").read_text())
    assert change["strategy"] in ("name_second_number", "align_with_schema")
    assert "right" in (folder / "assessment.md").read_text()


@pytest.mark.slow
def test_the_page_s_strategy_changes_the_prompt_that_is_tested(
    package: Path, tmp_path: Path
) -> None:
    """Its hint reaches the target's branch, and is merged since it helps."""
    world = World(tmp_path / "world", train=6, verify=6).make()
    schema = json.loads((world.target / "schema.json").read_text())
    del schema["properties"]["amount"]["description"]
    world.write(world.target, {"schema.json": json.dumps(schema)})
    world.git("commit", "-qam", "Describe nothing")
    for number in range(1, 5):
        done = run(world, package)
        assert done.returncode == 0, done.stdout + done.stderr
        change = world.record(number, "change")
        if change["strategy"] == "name_second_number":
            break
    [hint] = re.findall(r'HINT = "(.*)"', "".join(blocks("python")))
    assert hint in world.git("show", f"{change['commit']}:prompt.txt")
    assert hint not in world.git("show", f"{change['base_commit']}:prompt.txt")
    assert world.verdict(number).outcome is Outcome.YES
    assert hint in world.git("show", "main:prompt.txt")


@pytest.mark.slow
def test_an_analyst_that_fails_is_one_sentence_with_its_place(
    package: Path, tmp_path: Path
) -> None:
    code = (package / "shop_lab.py").read_text()
    assert "low = [" in code
    (package / "shop_lab.py").write_text(code.replace("low = [", "1 / 0; low = [", 1))
    line = code[: code.index("low = [")].count("\n") + 1
    world = World(tmp_path / "world", train=6, verify=6).make()
    done = run(world, package, "--analysts", "metrics,low_scores")
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert f"analyst 'low_scores' failed in {package}/shop_lab.py, line {line}: " in text
    assert (text.count("Stopped: "), text.count("Traceback")) == (1, 0)
