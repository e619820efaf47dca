"""Everything in the README is true: its commands run in a fresh clone, its configs validate."""

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import pipeline
from pipeline.cli.app import app
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import Config, load
from prompt_lab.config.lab import LabConfig, StepConfig, TargetConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.experiments.project import ProjectConfig
from tests.docs.readme import ROOT, Block, blocks

KINDS: dict[str, type[Config]] = {
    "targets": TargetConfig,
    "steps": StepConfig,
    "models": ModelConfig,
    "agents": AgentConfig,
    "lab.yaml": LabConfig,
    "promptlab.yaml": ProjectConfig,
}
GUIDE = "docs/guide.md"
CONFIGS = blocks("yaml") + blocks("yaml", GUIDE)
LOOP = "make demo-loop"
PIP = {"no-deps"}
"""Options of pip on the page."""
NAMED = {"targets": "name", "steps": "name", "models": "alias", "agents": "name"}


@pytest.mark.parametrize("block", CONFIGS, ids=lambda b: b.text.split("\n")[0])
def test_every_config_in_the_readme_and_the_guide_validates(block: Block, tmp_path: Path) -> None:
    text = block.text
    place = Path(text.splitlines()[0].removeprefix("# ").removeprefix("configs/"))
    kind = place.parts[0]
    path = tmp_path / place.name
    path.write_text(text)
    given = {NAMED[kind]: place.stem} if kind in NAMED else {}
    assert load(path, KINDS[kind], **given)


def test_every_file_in_configs_validates() -> None:
    configs = ROOT / "configs"
    for kind in ("targets", "steps", "models", "agents"):
        for path in (configs / kind).glob("*.yaml"):
            assert load(path, KINDS[kind], **{NAMED[kind]: path.stem})
    assert load(configs / "lab.yaml", LabConfig)


def test_the_readme_shows_each_kind_of_config() -> None:
    first_lines = {block.text.splitlines()[0] for block in blocks("yaml")}
    assert first_lines == {"# promptlab.yaml", "# configs/steps/summary.yaml"}


def test_the_step_file_of_the_readme_is_one_that_tests_run() -> None:
    """tests/adapters/step/test_docs.py runs the examples of docs/steps.md."""
    [step_file] = blocks("python")
    assert step_file in blocks("python", "docs/steps.md")
    assert step_file.text.count("\n") <= 25
    assert blocks("yaml")[-1] in blocks("yaml", "docs/steps.md")


@pytest.mark.parametrize("page", ["README.md", GUIDE])
def test_every_flag_on_the_page_is_a_parameter(page: str) -> None:
    text = re.sub(r"`git [^`]*`", "", (ROOT / page).read_text("utf-8"))
    tasks = [getattr(pipeline, name) for name in pipeline.__all__]
    known = {name.replace("_", "-") for task in tasks for name, _ in task.get_params()} | {"module"}
    known |= {name for name in re.findall(r"--([a-z-]+)", describe_command("init"))}
    used = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text))
    assert used
    assert used <= known | PIP


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.model
def test_the_commands_of_the_readme_run_in_a_fresh_clone(tmp_path: Path) -> None:
    """The `sh` blocks in their order, in one clone; `make test` is CI's own, the loop is below."""
    clone = _cloned(tmp_path)
    for block in blocks("sh"):
        if block.text.strip() in ("make test", LOOP):
            continue
        said = _run(block.text, clone)
        if block.text.strip() == "make demo":
            _check_demo(clone, said)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.model
def test_the_loop_of_the_readme_runs_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = _cloned(tmp_path)
    assert LOOP in [block.text.strip() for block in blocks("sh")]
    _check_loop(clone / "lab-loop", _run(LOOP, clone))


def describe_command(name: str) -> str:
    """What `prompt-lab NAME --help` prints."""
    return CliRunner().invoke(app, [name, "--help"]).output


def _cloned(folder: Path) -> Path:
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    subprocess.run(["git", "-C", clone, "checkout", "-q", "-f", "HEAD"], check=True)
    return clone


def _run(commands: str, clone: Path) -> str:
    """One block as a shell would run it; what it leaves in the background is ended."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI", "MAKE"))}
    said = clone.parent / "said.txt"
    with said.open("w") as out:
        shell = subprocess.Popen(
            ["sh", "-ec", commands],
            cwd=clone,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 1800
        while shell.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        time.sleep(0.2)
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
    text = said.read_text("utf-8")
    assert shell.wait(timeout=30) == 0, f"{commands}\n{text}"
    return text


def _check_demo(clone: Path, said: str) -> None:
    """The demo says what was decided, why, and which page to open; main moved only on YES."""
    outcome = re.search(r"Iteration 1 .* (YES|NO|CONDITIONAL|INVALID)", said)
    assert outcome, said
    assert "why" in said
    page = re.search(r"report\s+(\S+report\.html)", said)
    assert page
    assert (clone / page.group(1)).exists()
    log = subprocess.run(
        ["git", "-C", clone / "lab/target", "log", "--oneline"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("Merge #1" in log) == (outcome.group(1) == "YES")
    conclusion = yaml.safe_load(
        (clone / "lab/analysis/1_extract_invoice/conclusion.json").read_text()
    )
    assert bool(conclusion["merged_commit"]) == (outcome.group(1) == "YES")


def _check_loop(lab: Path, said: str) -> None:
    """One YES merged, one NO closed, each after its comment; why it stopped; what it remembers."""
    pulls = [json.loads(path.read_text()) for path in sorted(lab.glob("pulls/*.json"))]
    states = [pull["state"] for pull in pulls]
    assert len(pulls) == 3
    assert {"merged", "closed"} <= set(states), said
    for pull in pulls:
        events = [event["what"] for event in pull["history"]]
        assert "commented" in events
        if pull["state"] != "open":
            assert events.index("commented") < events.index(pull["state"])
    assert re.search(r"Loop 1 .* stopped: iterations", said)
    ended = json.loads((lab / "loops/1_extract_invoice/ended.json").read_text())
    assert (ended["stop"]["code"], ended["iterations"]) == ("iterations", [1, 2, 3])
    second = (lab / "analysis/2_extract_invoice/synthesis.md").read_text()
    outcome = json.loads((lab / "analysis/1_extract_invoice/verdict.json").read_text())["outcome"]
    assert f"Tried in iteration 1: {outcome}" in second
    page = (lab / "index.html").read_text()
    assert all(f"analysis/{n}_extract_invoice/report.html" in page for n in (1, 2, 3))
