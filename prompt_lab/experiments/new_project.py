"""Write a project of one's own: promptlab.yaml, the prompt's repository, and plans of a table."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError, StoreError
from prompt_lab.experiments.project import PROJECT_FILE
from prompt_lab.experiments.project_choice import ModelChoice, ProjectChoice
from prompt_lab.ports.git_command import GitCommand, GitFactory
from prompt_lab.store.files import disk_errors, read_given_text, write_text

LAB = "lab"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
NO_TEXT = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
"""What YAML reads as something else than a text."""


@dataclass(frozen=True)
class PromptPlace:
    """Where the prompt of a project is under version control."""

    repository: str
    """As `targets:` names it: relative to the lab, or absolute."""
    main: str
    prompt: str
    schema: str
    is_copy: bool
    """Whether the repository is one that Prompt Lab makes in the lab."""


def find_place(folder: Path, choice: ProjectChoice, open_git: GitFactory) -> PromptPlace:
    """The user's repository if prompt and schema are committed there, else a copy in the lab."""
    paths = [choice.prompt, *([choice.schema] if choice.schema else [])]
    found = _find_repository(paths, open_git)
    if found is None:
        schema = f"schemas/{choice.schema.name}" if choice.schema else ""
        return PromptPlace("target", "main", f"prompts/{choice.prompt.name}", schema, is_copy=True)
    root, main = found
    prompt, *schemas = (path.resolve().relative_to(root).as_posix() for path in paths)
    lab = (folder / LAB).resolve()
    is_near = root == folder.resolve() or root in folder.resolve().parents
    repository = os.path.relpath(root, lab) if is_near else str(root)
    return PromptPlace(repository, main, prompt, schemas[0] if schemas else "", is_copy=False)


def _find_repository(paths: list[Path], open_git: GitFactory) -> tuple[Path, str] | None:
    """(its folder, its branch) if all files are committed there and unchanged since."""
    start = paths[0].resolve().parent
    root = next((one for one in (start, *start.parents) if (one / ".git").exists()), None)
    if root is None or not all(path.resolve().is_relative_to(root) for path in paths):
        return None
    names = [path.resolve().relative_to(root).as_posix() for path in paths]
    try:
        git = open_git(root)
        tracked = _ask(git, "ls-files", "--", *names).splitlines()
        branch = _ask(git, "symbolic-ref", "--short", "HEAD")
        changed = _ask(git, "status", "--porcelain", "--", *names)
    except LabError:
        return None
    return (root, branch) if len(tracked) == len(names) and branch and not changed else None


def _ask(git: GitCommand, *args: str) -> str:
    return git.raw(*args).decode("utf-8", "replace").strip()


def write_project(
    folder: Path, choice: ProjectChoice, place: PromptPlace, create: Callable[..., None]
) -> str:
    """Write promptlab.yaml and, for a copy, its repository. Returns the text of promptlab.yaml.

    `create` makes a repository of a folder. The same command again changes nothing, and completes
    what an interrupted one left. Raises StoreError where another promptlab.yaml is there.
    """
    path, text = folder / PROJECT_FILE, render_project(choice, place)
    if path.exists() and read_given_text(path) != text:
        raise StoreError(
            f"{path}: is there already and says something else; it was not changed. Name another "
            "folder, or edit the file."
        )
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if place.is_copy:
            _copy_prompt(folder / LAB / place.repository, choice, place, create)
    write_text(path, text)
    return text


def _copy_prompt(
    goal: Path, choice: ProjectChoice, place: PromptPlace, create: Callable[..., None]
) -> None:
    """The whole repository, or none of it."""
    if goal.exists():
        return
    part = goal.with_name(f".{goal.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    files = {place.prompt: choice.prompt}
    if choice.schema:
        files[place.schema] = choice.schema
    for name, source in files.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(part / name, read_given_text(source), durable=False)
    create(part, [], message=f"Add {choice.prompt.name}", when=utc_now())
    part.rename(goal)


def render_project(choice: ProjectChoice, place: PromptPlace) -> str:
    """promptlab.yaml, with a comment for what a user may want to change."""
    inputs = ", ".join(_quote(f"{name}.txt") for name in choice.inputs)
    lines = [
        "# A project of Prompt Lab: which prompt is improved, by which models, and its scoring.",
        "# `prompt-lab try FILE` tests a changed prompt; `prompt-lab doctor` checks this project.",
        "",
        f"lab: {LAB}              # folder of plans, runs and reports",
        "",
        "defaults:",
        f"  step: {_quote(choice.step)}",
        f"  models: [{_quote(choice.model.alias)}]",
        "  policy: strict      # or no-harm, simpler, cheaper",
        "",
        "targets:",
        "  own:",
        f"    repository: {_quote(place.repository)}   # relative paths start at the lab",
        f"    main: {_quote(place.main)}                # a YES is merged into this branch",
        "    code_host: local  # or github: pull requests there, docs/github.md",
        "",
        "steps:",
        f"  {_quote(choice.step)}:",
        "    adapter: prompt_file",
        "    target: own",
        f"    prompt: {_quote(place.prompt)}",
        *([f"    schema_path: {_quote(place.schema)}"] if place.schema else []),
        f"    inputs: [{inputs}]    # files of a plan; the name without .txt is the placeholder",
        f"    answer: {choice.answer}        # text, or json: an object with fields",
        f"    max_tokens: {choice.max_tokens}",
        *_scoring_lines(choice),
        *_model_lines(choice.model),
    ]
    return "\n".join(lines) + "\n"


def _scoring_lines(choice: ProjectChoice) -> list[str]:
    if not choice.score:
        return [
            "    primary: fields     # the mean of all fields that the right answer has",
            "    # compare: {absolute: 0.01}   # when a field equals that of the right answer",
        ]
    return [
        "    checks:             # how an answer is scored; all kinds: docs/scoring.md",
        f"      - {{kind: {choice.score}}}",
        "    #  - {kind: latency, seconds: 2, weight: 0.2}",
        f"    primary: {choice.primary}      # the weighted mean of the checks, or the name of one",
    ]


def _model_lines(model: ModelChoice) -> list[str]:
    if model.is_shipped:
        return []
    price = "# price: {input: 0.15, output: 0.6}   # US dollars per million tokens; unknown here"
    if model.price is not None:
        read, written = model.price
        price = f"price: {{input: {read:g}, output: {written:g}}}   # US dollars per million tokens"
    return [
        "",
        "models:",
        f"  {_quote(model.alias)}:",
        f"    provider: {model.provider}",
        f"    id: {_quote(model.id)}",
        *([f"    base_url: {_quote(model.base_url)}"] if model.base_url else []),
        *(
            [f"    key_env: {_quote(model.key_env)}   # the variable that holds the key"]
            if model.key_env
            else []
        ),
        "    settings: {temperature: 0}",
        "    deterministic: false   # true: equal requests always give equal answers",
        "    workers: 8             # calls at the same time",
        f"    {price}",
    ]


def _quote(text: str) -> str:
    """A text as YAML: plain where that is safe, else in double quotes. Raises StoreError."""
    if not text.isprintable():
        raise StoreError(f"{text!r}: holds control characters: rename it")
    if PLAIN.fullmatch(text) and text.lower() not in NO_TEXT:
        return text
    return json.dumps(text, ensure_ascii=False)
