"""A prompt of a file as a candidate: the branch that an iteration tests is made of it."""

import re
from hashlib import sha256
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import NoSuchCommit, StoreError, UsageError
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.files import read_given_text

_NOT_IN_BRANCHES = re.compile(r"[^A-Za-z0-9]+")


def make_candidate_branch(context: LabContext, step: str, file: Path) -> str:
    """Put the text of `file` in the place of a step's prompt, on a branch; returns its name.

    The same text on the same main gives the same branch. Raises UsageError, StoreError,
    TargetError.
    """
    config = context.step(step)
    if context.runs_in_own_process(step):
        raise UsageError(
            f"the prompt of {step!r} is in code ({config.prompt}): change it on a branch, and"
            " name that with `prompt-lab iterate --branch`"
        )
    text = read_given_text(file)
    if not text.strip():
        raise StoreError(f"{file}: is empty")
    workspace = context.workspace(config.target)
    main = workspace.resolve(context.target(config.target).main)
    if workspace.read(main, config.prompt) == text:
        raise UsageError(f"{file}: is the prompt of {step!r} as it is: there is nothing to try")
    digest = sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    stem = _NOT_IN_BRANCHES.sub("-", file.stem).strip("-")[:40] or "prompt"
    branch = f"try/{stem}-{digest[:8]}-{main[:8]}"
    try:
        workspace.resolve(branch)
    except NoSuchCommit:
        message = f"Try {file.name} as {config.prompt}"
        workspace.commit_files(main, branch, {config.prompt: text}, message=message, when=utc_now())
    return branch
