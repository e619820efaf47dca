"""The lab is a git repository of its own: what an iteration adds is committed to it."""

from pathlib import Path

from adapters.git import Git, signed
from prompt_lab.errors import StoreError
from prompt_lab.store.files import write_text

_WHOLE = ("HEAD", "objects", "refs")
"""What git itself takes a folder for a repository by."""
IGNORED = """# What can be made again, and what is a repository of its own.
/target/
/work/
.lock
/.lock-holder
/state.db*
summary.txt
"""


class LabRepository:
    """The lab's own history. A lab that lies in another repository stays a folder of that one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._git = Git(root, raises=StoreError)

    def ensure(self) -> None:
        """Make the repository where there is none, or only a part of one. May be called again."""
        if not all((self._root / ".git" / name).exists() for name in _WHOLE):
            self._git("init", "-q", "-b", "main")
        ignore = self._root / ".gitignore"
        if not ignore.exists():
            write_text(ignore, IGNORED)

    def commit(self, message: str, *, when: str) -> str:
        """Commit all that is new; the id of HEAD, also where nothing was new."""
        self._git("add", "-A")
        if self._git("status", "--porcelain"):
            self._git("commit", "-q", "-m", message, env=signed(when))
        return self._git("rev-parse", "HEAD")
