"""Check everything that an iteration will need, and say of each fault how it is fixed."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from prompt_lab.decide.limits import fewest_plans
from prompt_lab.errors import LabError
from prompt_lab.experiments.check_model import check_model
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.preflight import check_step, check_version, checked_plans
from prompt_lab.names import Split, count
from prompt_lab.ports.git_command import GitFactory
from prompt_lab.store.iteration_numbers import resolve_number
from prompt_lab.store.plans import plan_names

SUPPORTED = ((3, 11), (3, 14))
"""Versions of Python: from the first, and below the second."""
SCARCE, TOO_LITTLE = 1 << 30, 100 << 20
"""Bytes of free space below which there is a warning, and below which nothing can be run."""


class HealthCheck(NamedTuple):
    """One thing that was looked at: how it is, and the command or edit that fixes it."""

    status: Literal["ok", "warn", "fail"]
    name: str
    text: str
    fix: str = ""


def check_machine(folder: Path, open_git: GitFactory, why_no_sandbox: str) -> list[HealthCheck]:
    """Python, git, sandbox and free space: what does not depend on the project."""
    return [
        _check_python(),
        _check_git(folder, open_git),
        _check_sandbox(why_no_sandbox),
        _check_space(folder),
    ]


def check_project(context: LabContext, step: str, *, call: bool) -> list[HealthCheck]:
    """Models, step, prompt, plans and gold. Writes nothing; `call` makes one call for each model.

    What is wrong is a line of its own: no LabError is raised.
    """
    name = step or context.defaults.step
    checks: list[tuple[str, Callable[[], Iterator[HealthCheck]]]] = [
        ("models", partial(_check_models, context, call=call)),
        ("step", partial(_check_prompt, context, name)),
        *((split.value, partial(_check_plans, context, name, split)) for split in Split),
    ]
    found: list[HealthCheck] = []
    for what, check in checks:
        try:
            found += check()
        except LabError as error:
            found.append(HealthCheck("fail", what, str(error)))
    return found


def render_checks(checks: list[HealthCheck]) -> str:
    """One line for each check, and one for its fix."""
    lines = []
    for check in checks:
        text = check.text.replace("\n", "\n" + " " * 16)
        lines.append(f"{check.status:5} {check.name:9} {text}")
        if check.fix:
            lines.append(f"{'':16}fix: {check.fix}")
    return "\n".join(lines)


def _check_python() -> HealthCheck:
    text, version = f"Python {platform.python_version()}", sys.version_info[:2]
    if SUPPORTED[0] <= version < SUPPORTED[1]:
        return HealthCheck("ok", "python", text)
    return HealthCheck("fail", "python", text, "use Python 3.11, 3.12 or 3.13")


def _check_git(folder: Path, open_git: GitFactory) -> HealthCheck:
    try:
        return HealthCheck("ok", "git", open_git(folder).raw("--version").decode().strip())
    except LabError as error:
        return HealthCheck("fail", "git", str(error), "install git, for example apt install git")


def _check_sandbox(why_not: str) -> HealthCheck:
    if not why_not:
        return HealthCheck("ok", "sandbox", "code of a target can be run in a sandbox")
    text = f"{why_not}; steps that are prompt files need none"
    return HealthCheck("warn", "sandbox", text, "see SECURITY.md before you run code of a target")


def _check_space(folder: Path) -> HealthCheck:
    place = next(one for one in (folder.resolve(), *folder.resolve().parents) if one.exists())
    if not os.access(place, os.W_OK):
        return HealthCheck("fail", "disk", f"{place} is not writable", f"chmod u+w {place}")
    free = shutil.disk_usage(place).free
    text = f"{free / 2**30:.1f} GB free at {folder.resolve()}"
    if free >= SCARCE:
        return HealthCheck("ok", "disk", text)
    return HealthCheck("warn" if free >= TOO_LITTLE else "fail", "disk", text, "make room there")


def _check_models(context: LabContext, *, call: bool) -> Iterator[HealthCheck]:
    for model in context.select_models(context.defaults.models):
        state = check_model(context, model.alias, call=call)
        if not state.is_usable:
            fix = f"set {model.key_env}, or correct" if model.key_env else "correct"
            place = context.files.place("models", model.alias)
            yield HealthCheck("fail", "model", f"{model.alias}: {state.text}", f"{fix} {place}")
            continue
        yield HealthCheck("ok", "model", f"{model.alias}: {state.text}")
        if not model.has_price:
            text = f"{model.alias}: its price is unknown, so costs are shown as $0"
            yield HealthCheck("warn", "price", text, "add 'price: {input: …, output: …}' to it")


def _check_prompt(context: LabContext, step: str) -> Iterator[HealthCheck]:
    config = context.step(step)
    check_step(Experiment(context, step, 0))
    with context.temporary_work_folder():
        workspace = context.workspace(config.target)
        workspace.check()
        commit = workspace.resolve(context.target(config.target).main)
        check_version(context, step, commit)
    yield HealthCheck("ok", "step", f"{step}: {config.prompt} at {commit[:12]}")


def _check_plans(context: LabContext, step: str, split: Split) -> Iterator[HealthCheck]:
    names = plan_names(context.lab, context.adapter(step).inputs, split=split)
    number = resolve_number(context.lab, step, "")
    checked_plans(Experiment(context, step, number), names, split=split)
    text = f"{count(len(names), f'{split.value} plan')} with usable inputs and right answers"
    needed = fewest_plans(context.policy(context.defaults.policy).alpha)
    if split is Split.VERIFY and len(names) < needed:
        fix = "prompt-lab plans import FILE adds plans"
        yield HealthCheck("warn", "plans", f"{text}; a YES takes at least {needed}", fix)
    else:
        yield HealthCheck("ok", "plans", text)
