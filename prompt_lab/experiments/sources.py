"""The files of the target and of the plans that a step may read, and checks of them."""

from functools import partial
from pathlib import Path

from prompt_lab.experiments.context import LabContext
from prompt_lab.ports import StepAdapter
from prompt_lab.store.plans import check_pointers


def sources_of(ctx: LabContext, step: str, commit: str, *, stored: bool = False) -> dict[str, str]:
    """path -> blob id at a commit ('' for none), of every file that a run there may load.

    The ids are those of the files as checked out, or `stored`: as the commit has them.
    """
    workspace, adapter = ctx.workspace(ctx.step(step).target), ctx.adapter(step)
    paths = adapter.source_paths(partial(workspace.worktree, commit))
    return dict.fromkeys(adapter.sources, "") | workspace.blobs(commit, paths, stored=stored)


def check_sources(ctx: LabContext, step: str, commit: str) -> None:
    """Raises TargetError for a file of the step that git cannot check out completely."""
    workspace, adapter = ctx.workspace(ctx.step(step).target), ctx.adapter(step)
    workspace.check_files(commit, adapter.sources)
    paths = adapter.source_paths(partial(workspace.worktree, commit))
    if paths != adapter.sources:
        workspace.check_files(commit, paths)


def check_plan(adapter: StepAdapter, folder: Path) -> None:
    """Raises StoreError for a file of a plan that is only a pointer (Git LFS).

    A step in its own process gets the whole folder, other steps their inputs and outputs.
    """
    own = adapter.in_own_process
    check_pointers(folder, None if own else (*adapter.inputs, *adapter.outputs))
