"""Commit a command's files to the lab."""

from collections.abc import Mapping

from prompt_lab.errors import StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.report.terminal import say
from prompt_lab.store.lab_files import list_lab_files
from prompt_lab.store.layout import NO_ITERATION
from prompt_lab.store.run_journal import drop_journals


def commit_lab(
    ctx: LabContext,
    message: str,
    *,
    when: str,
    number: int = NO_ITERATION,
    contents: Mapping[str, str] | None = None,
) -> None:
    """Commit what Prompt Lab wrote to the lab, and nothing of the user's.

    `number`: the iteration whose files may have changed since they were committed. `contents`:
    path -> text of files that are written only afterwards. Where the user's repository is in the
    middle of an operation, or git refuses, says so and leaves the files for the next commit: what
    was run and decided does not depend on it. Raises StoreError where no repository can be made.
    """
    repository = ctx.lab_repository()
    repository.ensure()
    try:
        if obstacle := repository.find_obstacle():
            say(obstacle)
            return
        files = list_lab_files(ctx.lab, number)
        paths = (*files.current, *repository.list_uncommitted(files.earlier))
        repository.commit(paths, message, when=when, contents=contents)
        if number != NO_ITERATION:  # the commit has its runs
            drop_journals(ctx.lab, f"{number}_")
    except StoreError as error:
        reason = str(error).rstrip(".")
        say(f"The lab's new files were not committed. {reason}. The next iteration commits them.")
