"""Make a git repository of a folder of files."""

from collections.abc import Sequence
from pathlib import Path

from adapters.git import Git, signed


def create_repository(folder: Path, patches: Sequence[Path], *, message: str, when: str) -> None:
    """Commit all files of a folder to main, and each patch to a branch by its file's name."""
    git, env = Git(folder), signed(when)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", message, env=env)
    for patch in patches:
        git("checkout", "-q", "-b", patch.stem, "main")
        git("apply", "--index", str(patch))
        title = patch.stem.replace("-", " ").capitalize()
        git("commit", "-q", "-m", title, env=env)
    git("checkout", "-q", "main")
