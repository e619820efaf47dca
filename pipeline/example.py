"""ExampleLab: copy the example's plans and target into the lab. Nothing is overwritten."""

import shutil
from pathlib import Path

import luigi

from adapters.git import Git, signed
from pipeline.base import LabTask, hold_lab, utc_now
from prompt_lab.errors import UnknownName
from prompt_lab.store.files import disk_errors, write_text

EXAMPLES = Path(__file__).parent.parent / "examples"
COPIED = ("baseline", "target")


class ExampleLab(LabTask):
    """The lab of `make demo`: plans under baseline/, a git repository under target/."""

    example = luigi.Parameter(default="invoices", description="a folder of examples/")

    def output(self) -> luigi.LocalTarget:
        """The note that says where the lab came from."""
        return luigi.LocalTarget(str(self.ctx.lab.root / "example.txt"))

    def complete(self) -> bool:
        """The note is there, and both folders are."""
        return super().complete() and all((self.ctx.lab.root / name).exists() for name in COPIED)

    def run(self) -> None:
        """Copy what is missing, by way of a temporary place: a half copy never looks whole."""
        root, source = self.ctx.lab.root, EXAMPLES / self.example
        known = [path.parent.name for path in EXAMPLES.glob("*/baseline")]
        if self.example not in known:
            raise UnknownName("example", self.example, known, str(EXAMPLES))
        hold_lab(self.ctx)
        with disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            for name in COPIED:
                _copy(source / name, root / name)
        if not self.output().exists():
            write_text(Path(self.output().path), f"copied from examples/{self.example}\n")


def _copy(source: Path, goal: Path) -> None:
    if goal.exists():
        return
    part = goal.with_name(f".{goal.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, ignore=shutil.ignore_patterns("__pycache__"))
    if goal.name == "target":
        git = Git(part)
        git("init", "-q", "-b", "main")
        git("add", "-A")
        message = "The prompts as a hurried engineer wrote them"
        git("commit", "-q", "-m", message, env=signed(utc_now()))
    part.rename(goal)
