"""A lab, its configs and its target's repository below one folder, and git in the target."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class LabFolder:
    """Where things lie below `root`."""

    root: Path

    @property
    def lab(self) -> Path:
        return self.root / "lab"

    @property
    def target(self) -> Path:
        return self.lab / "target"

    @property
    def env(self) -> dict[str, str]:
        return {"PROMPTLAB_ROOT": str(self.lab), "PROMPTLAB_CONFIGS": str(self.root / "configs")}

    def write(self, folder: Path, files: Mapping[str, str]) -> None:
        """Files by their paths in a folder."""
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    def git(self, *args: str, at: Path | None = None) -> str:
        """Git in the target, as its owner would type it."""
        who = ["-c", "user.name=Owner", "-c", "user.email=owner@localhost"]
        done = subprocess.run(
            ["git", *who, *args], cwd=at or self.target, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def committed(self) -> None:
        """Make what lies in the target its first commit."""
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "As it was")

    def branch(self, name: str, files: Mapping[str, str]) -> str:
        """A branch off main with one commit; main stays checked out. Returns the commit."""
        self.git("checkout", "-q", "-b", name)
        self.write(self.target, files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"Work on {name}")
        commit = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "main")
        return commit
