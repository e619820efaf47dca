"""Copy an example's plans and target into the lab. Nothing is overwritten."""

import shutil
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.files import disk_errors, write_text

NOTE = "example.txt"
COPIED = ("baseline", "target")
OPTIONAL = ("recordings", "lab.yaml")
"""What an example may have besides."""
_FROM = "copied from examples/"
_FIRST_COMMIT = "The prompts as a hurried engineer wrote them"


def is_example_there(context: LabContext, example: str) -> bool:
    """Whether the note exists and names this example, and both folders exist."""
    root = context.lab.root
    whole = all((root / name).exists() for name in (*COPIED, NOTE))
    return whole and not _other_example(root, example)


def make_example_lab(context: LabContext, example: str, examples: Path) -> None:
    """Copy what is missing, through a temporary folder, so that no copy is left half done.

    Raises UnknownName, and StoreError where the lab was made from another example.
    """
    root, source = context.lab.root, examples / example
    known = [path.parent.name for path in examples.glob("*/baseline")]
    if example not in known:
        raise UnknownName("example", example, known, str(examples))
    if other := _other_example(root, example):
        raise StoreError(
            f"{root / NOTE}: this lab was {other}: name another lab for "
            f"{example!r} with PROMPTLAB_ROOT"
        )
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        for name in (*COPIED, *OPTIONAL):
            if (source / name).exists():
                copy_in(context, source / name, root / name)
    if not (root / NOTE).exists():
        write_text(root / NOTE, f"{_FROM}{example}\n")


def copy_in(context: LabContext, source: Path, goal: Path) -> None:
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
        patches = sorted((source.parent / "branches").glob("*.patch"))
        create = context.load_adapter("git", "create")
        create(part, patches, message=_FIRST_COMMIT, when=utc_now())
    part.rename(goal)


def _other_example(root: Path, example: str) -> str:
    """The content of this lab's note if it is of another example."""
    path, wanted = root / NOTE, f"{_FROM}{example}\n"
    noted = path.read_text("utf-8", "replace") if path.is_file() else ""
    return noted.strip() if noted.startswith(_FROM) and noted != wanted else ""
