"""The examples of docs/steps.md, laid out as they say, run."""

import re
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from adapters.step.python_target import PythonTarget
from adapters.workspace.git import GitWorkspace
from pipeline.wiring import load_adapter
from prompt_lab.config.base import load_named
from prompt_lab.config.lab import StepConfig, TargetConfig
from prompt_lab.own_process import TargetLocation
from prompt_lab.ports import Answer, Request, StepJob
from tests.adapters.step.bench import model
from tests.adapters.step.speaking import speak
from tests.adapters.workspace.target import Target

PAGE = Path(__file__).parents[3] / "docs" / "steps.md"
BLOCK = re.compile(r"^```(\w+)\n# ([\w./-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOTE = "The pump in the cellar of number four has failed again."

pytestmark = pytest.mark.slow


class Shelf:
    """All files of the page in one folder, and the target among them as a repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        target = Target(root / "target")
        files = {path: text for _, path, text in BLOCK.findall(PAGE.read_text("utf-8"))}
        inside = {p.removeprefix("target/"): t for p, t in files.items() if "target/" in p}
        self.commit = target.commit(inside)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        self.work = GitWorkspace(target.folder, root / "work", "main")
        self.plan, self.out = root / "it's a plan", root / "out of it"
        self.plan.mkdir()
        self.out.mkdir()
        (self.plan / "note.txt").write_text(NOTE)

    def step(self, name: str) -> PythonTarget:
        config = load_named(self.root / "configs/steps", StepConfig, "step", name)
        target = load_named(self.root / "configs/targets", TargetConfig, "target", config.target)
        place = TargetLocation(target, self.root / target.repository, self.root)
        made = load_adapter("step", config.adapter)(config, place)
        assert isinstance(made, PythonTarget)
        return made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        ("summary", {"src/notes/summary.py"}),
        ("summary_task", {"src/notes/summary.py", "src/notes/tasks.py"}),
        ("shorten", {"bin/shorten.sh", "prompts/shorten.txt"}),
    ],
)
def test_each_example_runs_and_scores(
    shelf: Shelf, name: str, loaded: set[str], httpserver: HTTPServer
) -> None:
    url = speak(httpserver, lambda system, user: f"{system[:3]}: {user[:20]}")
    step = shelf.step(name)
    tree = shelf.work.worktree(shelf.commit)
    job = StepJob(tree, shelf.plan, shelf.out, ask=_never, seed=None, models=(model(url),))
    result = step.execute(job)
    parts = step.score(shelf.plan, shelf.out)
    step.close()
    assert result.error is None
    assert set(result.files) == loaded
    assert all(shelf.work.blob(shelf.commit, path) == b for path, b in result.files.items())
    assert parts["short"] == 1.0
    said = (shelf.out / "summary.txt").read_text()
    assert said.startswith("About: The pump" if name == "shorten" else "Say: The pump")
    assert {f.name for f in shelf.out.iterdir()} == {"summary.txt"}


def test_a_task_whose_input_is_missing_says_which(shelf: Shelf) -> None:
    (shelf.plan / "note.txt").unlink()
    step = shelf.step("summary_task")
    tree = shelf.work.worktree(shelf.commit)
    result = step.execute(StepJob(tree, shelf.plan, shelf.out, ask=_never, seed=None))
    step.close()
    assert result.error is not None
    assert result.error.kind == "missing_input"
    assert "needs Note" in result.error.message
    assert "note.txt" in result.error.message


def test_a_command_that_fails_says_how(shelf: Shelf) -> None:
    (shelf.plan / "note.txt").unlink()
    path = shelf.root / "steps/shorten.py"
    path.write_text(path.read_text().replace("bin/shorten.sh", "bin/none.sh"))
    step = shelf.step("shorten")
    tree = shelf.work.worktree(shelf.commit)
    result = step.execute(StepJob(tree, shelf.plan, shelf.out, ask=_never, seed=None))
    step.close()
    assert result.error is not None
    assert result.error.kind == "exit_code"
    assert "none.sh" in (shelf.out / "step.log").read_text()


def test_every_constant_of_the_page_is_known() -> None:
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"^([A-Z_]+) = ", text, re.MULTILINE)) - {"SUMMARY_PROMPT"}
    assert named <= set(re.findall(r"`([A-Z_]+)`", text))


def _never(request: Request) -> Answer:
    raise AssertionError(f"asked in our process: {request!r}")
