"""A target with one package, a step file outside it, and runs of it as the lab would make them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.step.command import CommandStep
from adapters.step.luigi_task import LuigiTask
from adapters.step.python_target import PythonTarget
from adapters.workspace.git import GitWorkspace
from prompt_lab.config.lab import StepConfig, TargetConfig
from prompt_lab.names import Side
from prompt_lab.own_process import ModelUrl, TargetLocation
from prompt_lab.ports import Request, StepJob
from prompt_lab.step_results import StepResult
from tests.adapters.workspace.target import Target

CORE = '''PROMPT = """
List what matters.
""".strip()


def answer():
    return "main"
'''
STEP = """
NAME = "probe"
INPUTS = ("in.txt",)
OUTPUTS = ("out.txt",)
IMPORT_ROOTS = ("src",)
PACKAGES = ("pkg",)
PROMPT = "pkg.core:PROMPT"


def execute(plan_dir, out_dir, models):
    from pkg import core
    from pathlib import Path

    Path(out_dir, "out.txt").write_text(core.answer())
    {body}


def score(plan_dir, out_dir):
    from pathlib import Path

    return {{"good": 0.5 if Path(out_dir, "out.txt").read_text() else 0.0}}
"""
LEFT = f"sleep 100.{os.getpid()}"
"""What a step of CHILDREN leaves running: no other process of this machine is called so."""
CHILDREN = f"""
import os, subprocess, time
pids = [os.getpid(), subprocess.Popen({LEFT.split()}, start_new_session=True).pid]
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
        time.sleep(100)
    os._exit(0)
pids.append(int(os.read(read, 100)))
os.wait()
with open(out_dir + "/written", "w") as file:
    file.write(" ".join(map(str, pids)))
os.rename(out_dir + "/written", out_dir + "/pids")
"""
"""Code of a step that starts three kinds of children and writes their ids down.

The ids are those of its sandbox."""
MODES = {"python": PythonTarget, "luigi": LuigiTask, "command": CommandStep}


class Bench:
    """`step` makes an adapter of a step file; `run` runs its one plan at a commit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = Target(root / "repository")
        self.main = self.target.commit({"src/pkg/__init__.py": "", "src/pkg/core.py": CORE})
        self.work = GitWorkspace(self.target.folder, root / "work", "main")
        self.plan = root / "plan"
        self.plan.mkdir()
        (self.plan / "in.txt").write_text("text")
        self._made: list[PythonTarget] = []
        self._outs = 0

    def close(self) -> None:
        for step in self._made:
            step.close()

    def step(
        self, body: str = "", *, text: str = "", mode: str = "python", **settings: Any
    ) -> PythonTarget:
        """A step whose execute() ends with `body`, or whose file is `text`."""
        path = self.root / f"step{len(self._made)}.py"
        indented = "\n    ".join(body.strip().splitlines()) or "return {}"
        path.write_text(text or STEP.format(body=indented))
        target = settings.pop("target", {})
        config = StepConfig(
            **{
                **{"name": "probe", "adapter": "python_target", "target": "t", "primary": "good"},
                **{"prompt": "src/pkg/core.py", "file": path.name, **settings},
            }
        )
        place = TargetLocation(
            TargetConfig(**{"name": "t", "repository": "repository", **target}),
            self.target.folder,
            self.root,
        )
        self._made.append(MODES[mode](config, place))
        return self._made[-1]

    def out(self) -> Path:
        """A fresh folder for one run."""
        self._outs += 1
        folder = self.root / f"out{self._outs}"
        folder.mkdir()
        return folder

    def job(self, commit: str = "", **more: Any) -> StepJob:
        worktree = self.work.worktree(commit or self.main)
        values: dict[str, Any] = {"plan_dir": self.plan, "out_dir": self.out(), "seed": None}
        return StepJob(worktree=worktree, ask=_no_ask, **{**values, **more})

    def run(self, step: PythonTarget, commit: str = "", **more: Any) -> StepResult:
        return step.execute(self.job(commit, **more))

    def blobs(self, commit: str, files: Mapping[str, str]) -> dict[str, str | None]:
        """What git says of these files at a commit."""
        return {path: self.work.blob(commit, path) for path in files}


def model(url: str, name: str = "m") -> ModelUrl:
    return ModelUrl(name=name, base_url=url, model=name)


def kind(result: StepResult) -> str:
    return result.error.kind if result.error else ""


def pids(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def _no_ask(request: Request) -> Any:
    raise AssertionError("a step in a process of its own asks its models itself")


BASELINE, CANDIDATE = Side.BASELINE, Side.CANDIDATE
