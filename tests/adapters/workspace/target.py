"""A small target repository for tests, made and changed as its owner would."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from adapters.git import Git, signed

WHEN = "2026-03-04T05:06:07.890Z"


class Target:
    """A repository with a branch main and one commit: a prompt and a schema."""

    def __init__(self, folder: Path) -> None:
        template, self.first = _make_template()
        shutil.copytree(template, folder)
        self.folder, self.git = folder, Git(folder)

    @classmethod
    def at(cls, folder: Path) -> "Target":
        """A repository that is there already."""
        target = cls.__new__(cls)
        target.folder, target.git = folder, Git(folder)
        return target

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())

    def commit(self, files: Mapping[str, str], message: str = "A change") -> str:
        """Commit to the branch that is checked out."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, env=signed(WHEN))
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, files: Mapping[str, str], *, start: str = "main") -> str:
        """Commit to a branch, made at `start` if need be; main is checked out afterwards."""
        known = self.git.ask("rev-parse", "-q", "--verify", f"refs/heads/{name}") is not None
        self.git("checkout", "-q", *([name] if known else ["-b", name, start]))
        head = self.commit(files)
        self.git("checkout", "-q", "main")
        return head

    def head(self, branch: str = "main") -> str:
        return self.git("rev-parse", f"refs/heads/{branch}")

    def status(self) -> str:
        return self.git("status", "--porcelain")


@cache
def _make_template() -> tuple[Path, str]:
    """(a repository to copy, its first commit), made once for each process."""
    root = Path(tempfile.mkdtemp(prefix="prompt-lab-target-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    target = Target.at(root / "target")
    target.folder.mkdir()
    target.git("init", "-q", "-b", "main")
    for sample in (target.folder / ".git/hooks").glob("*.sample"):
        sample.unlink()
    return target.folder, target.commit(
        {"prompts/extract.txt": "Read {text}.\n", "schema.json": "{}\n"}
    )
