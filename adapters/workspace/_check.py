"""What can be wrong with a target before anything is read from it."""

from adapters.git import Git, branch_head
from prompt_lab.errors import TargetError


def check_target(target: Git, main: str) -> None:
    """Raise TargetError where the repository cannot be improved as it is."""
    folder = target.folder
    where = f"the target {folder}"
    if folder.exists() and not folder.is_dir():
        raise TargetError(f"{where} is no folder: correct 'repository' in its config")
    if not folder.is_dir():
        raise TargetError(f"{where} does not exist: correct 'repository' in its config")
    if not ((folder / ".git").exists() or (folder / "HEAD").is_file()):
        raise TargetError(f"{where} is no git repository: run 'git init' and commit there")
    if branch_head(target, main) is None:
        raise TargetError(
            f"{where} has no branch {main!r} with a commit:"
            " make it, or correct 'main' in its config"
        )
    if target("rev-parse", "--is-bare-repository") == "false":
        _check_clean(target, where)


def _check_clean(target: Git, where: str) -> None:
    status = target("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    names = [entry[3:] for entry in status.split("\0") if entry]
    if names:
        shown = ", ".join(repr(name) for name in names[:5])
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise TargetError(
            f"{where} has uncommitted changes in {shown}{more}: run 'git commit' or"
            " 'git stash' there"
        )
