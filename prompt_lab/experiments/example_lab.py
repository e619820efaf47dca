"""ExampleLab: copy the example's plans and target into the lab. Nothing is overwritten."""

import shutil
from pathlib import Path

import luigi

from adapters.git import Git, signed
from pipeline.tasks.base import LabTask, hold_lab, utc_now
from pipeline.tasks.printing import prints_when_complete
from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.store.files import disk_errors, write_text

EXAMPLES = Path(__file__).parents[2] / "examples"
COPIED = ("baseline", "target")
_FROM = "copied from examples/"
WHERE_THERE = ("recordings", "lab.yaml")
"""What an example may have besides."""


class ExampleLab(LabTask):
    """The lab of `make demo`: plans under baseline/, a git repository under target/."""

    example = luigi.Parameter(default="invoices", description="a folder of examples/")

    def output(self) -> luigi.LocalTarget:
        """The note that says where the lab came from."""
        return luigi.LocalTarget(str(self.context.lab.root / "example.txt"))

    def complete(self) -> bool:
        """The note is there, of no other example, and both folders are."""
        there = all((self.context.lab.root / name).exists() for name in COPIED)
        return super().complete() and there and not self._other()

    @property
    def _note(self) -> str:
        return f"{_FROM}{self.example}\n"

    def _other(self) -> str:
        """What the note of this lab says, where it is of another example."""
        path = Path(self.output().path)
        noted = path.read_text("utf-8", "replace") if path.is_file() else ""
        return noted.strip() if noted.startswith(_FROM) and noted != self._note else ""

    def run(self) -> None:
        """Copy what is missing, by way of a temporary place: a half copy never looks whole."""
        root, source = self.context.lab.root, EXAMPLES / self.example
        known = [path.parent.name for path in EXAMPLES.glob("*/baseline")]
        if self.example not in known:
            raise UnknownName("example", self.example, known, str(EXAMPLES))
        if self._other():
            raise StoreError(
                f"{self.output().path}: this lab was {self._other()}: name another lab for "
                f"{self.example!r} with PROMPTLAB_ROOT"
            )
        hold_lab(self.context)
        with disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            for name in (*COPIED, *WHERE_THERE):
                if (source / name).exists():
                    copy_in(source / name, root / name)
        if not self.output().exists():
            write_text(Path(self.output().path), self._note)


@prints_when_complete(ExampleLab)
def _state_unchanged(task: ExampleLab) -> str:
    return (
        f"{task.context.lab.root}: examples/{task.example} is there already, and is left as it is."
    )


def copy_in(source: Path, goal: Path) -> None:
    """Copy a file or folder unless it is there; `target` becomes a repository with branches."""
    if goal.exists():
        return
    part = goal.with_name(f".{goal.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, part, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, part)
    if goal.name == "target":
        _commit(Git(part), sorted((source.parent / "branches").glob("*.patch")))
    part.rename(goal)


def _commit(git: Git, patches: list[Path]) -> None:
    """main with all files, and a branch with one commit for each patch, by its name."""
    env = signed(utc_now())
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "The prompts as a hurried engineer wrote them", env=env)
    for patch in patches:
        git("checkout", "-q", "-b", patch.stem, "main")
        git("apply", "--index", str(patch))
        title = patch.stem.replace("-", " ").capitalize()
        git("commit", "-q", "-m", title, env=env)
    git("checkout", "-q", "main")
