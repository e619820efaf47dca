"""What is wrong with a task where it lies: its paths, what covers what, and whose id it has."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_lab.errors import LabError
from prompt_lab.task_engine.guard import (
    artifact_faults,
    hidden_faults,
    is_program,
    output_faults,
)
from prompt_lab.task_engine.paths import ignored
from prompt_lab.task_engine.schema import read_task
from prompt_lab.task_engine.task_copy import files

if TYPE_CHECKING:
    from prompt_lab.task_engine.task_context import TaskContext


def site_faults(site: "TaskContext") -> list[str]:
    """Every fault, each one sentence that begins with its key."""
    if ignored(site.name):
        return [
            f"{site.name!r} lies in a folder that no copy holds ({site.name.split('/')[0]!r} of the"
            f" repository {str(site.root)!r}): put the task elsewhere"
        ]
    return [
        *_foreign_id(site),
        *_artifact_faults(site),
        *artifact_faults(site.artifacts, site.guarded),
        *hidden_faults(site.task, site.artifacts, site.scorer, lambda path: _runs(site.root, path)),
        *output_faults(site.task.outputs, site.artifacts, site.guarded),
        *_cwd_faults(site),
    ]


def _foreign_id(site: "TaskContext") -> Iterator[str]:
    """Two files with one id would take each other's keeps back."""
    owner = site.store.owner()
    if owner in ("", site.name) or not _has_id(site.root / owner, site.task.id):
        return
    yield (
        f"id: {site.task.id!r} is the id of {owner!r}, whose attempts and keeps lie in"
        f" {str(site.store.folder)!r}: give {site.name!r} another one"
    )


def _has_id(file: Path, task_id: str) -> bool:
    """Whether a file is a task with this id still; one that cannot be read may be."""
    try:
        return read_task(file).id == task_id
    except LabError:
        return file.exists()


def _artifact_faults(site: "TaskContext") -> Iterator[str]:
    """What an artifact in the workspace may not be: a link, or reached through one."""
    for index, path in enumerate(site.artifacts):
        key, whole = f"artifacts.{index}", site.root / path
        if ignored(path):
            yield f"{key}: {path!r} lies in a folder that no copy holds: put it elsewhere"
        link = next((p for p in _down(site.root, path) if p.is_symlink()), None)
        if link is not None:
            yield f"{key}: {str(link)!r} is a link: name the file that it leads to"
        elif path.endswith("/"):
            if whole.exists() and not whole.is_dir():
                yield f"{key}: {path!r} is no folder: leave the '/' at its end out"
        elif whole.is_dir():
            yield f"{key}: {path!r} is a folder: write '/' at its end"
        elif (found := files.stamp(whole)) is not None:
            if files.git_mode(found.mode) == files.SPECIAL:
                yield f"{key}: {path!r} is no regular file"
            elif found.links > 1:
                yield f"{key}: {path!r} has a second name (a hard link): a keep would part them"


def _runs(root: Path, path: str) -> bool:
    """Whether an artifact is a program, or a folder that holds one."""
    if is_program(path):
        return True
    whole = root / path
    found = [whole]
    if path.endswith("/"):
        found = [whole / name for name in files.scan(whole)[0]] if whole.is_dir() else []
    return any(is_program(str(one)) or _begins_as_program(one) for one in found)


def _begins_as_program(file: Path) -> bool:
    """Whether a file may be executed, or begins as a script does."""
    stamp = files.stamp(file)
    if stamp is None or files.git_mode(stamp.mode) == files.SPECIAL or file.is_symlink():
        return False
    with suppress(OSError), file.open("rb") as text:
        return bool(stamp.mode & 0o111) or text.read(2) == b"#!"
    return False


def _cwd_faults(site: "TaskContext") -> Iterator[str]:
    task = site.task
    for key, command in (
        ("mutator", task.mutator),
        ("runner", task.runner),
        ("scorer", task.scorer),
    ):
        if command is None:
            continue
        whole = site.root / command.cwd
        if not whole.resolve().is_relative_to(site.root):
            yield f"{key}.cwd: {command.cwd!r} leads out of the repository"
        elif not whole.is_dir():
            yield f"{key}.cwd: there is no folder {command.cwd!r} in {site.root}{outside_git(site)}"


def outside_git(site: "TaskContext") -> str:
    """A hint where paths are taken from the task's own folder; '' in a repository."""
    if (site.root / ".git").exists():
        return ""
    return f" (no folder above has a .git, so paths start at the task's own folder, {site.root})"


def _down(root: Path, path: str) -> Iterator[Path]:
    whole = root
    for part in path.rstrip("/").split("/"):
        whole = whole / part
        yield whole
