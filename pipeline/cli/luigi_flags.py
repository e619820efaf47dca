"""Read the words of the command `luigi` before luigi does: typos of flags, and a short --help.

Luigi lists each option twice (`--Iteration-step`, `--step`), and answers a typo with all of them.
"""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches

import luigi
from luigi.parameter import ParameterVisibility
from luigi.task_register import Register, TaskClassException

from prompt_lab.errors import UsageError

WIDTH = 100
CORE = ("--local-scheduler", "--module", "--workers", "--help", "--help-all")
"""Options of luigi itself that are worth a line, and are never a typo."""


def check_flags(words: Sequence[str]) -> None:
    """Raises UsageError, which names the closest option, where one of the words is no option."""
    task = find_task(words)
    if task is None:
        return
    own, known = set(_own_flags(task)), _all_flags(task)
    for word in words:
        flag = word.partition("=")[0]
        if word == "--" or not word.startswith("--") or flag in known:
            continue
        if sum(one.startswith(flag) for one in known) == 1:
            continue  # argparse completes it
        near = get_close_matches(flag, sorted(own), n=1) or get_close_matches(flag, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it takes none of that name."
        name = task.get_task_family()
        raise UsageError(
            f"{name} has no option {flag!r}: {hint} `luigi --module pipeline {name} --help` lists "
            "all."
        )


def help_text(words: Sequence[str]) -> str | None:
    """The help of the task in `words`, each option once; None where none is asked for."""
    task = find_task(words)
    if task is None or "--help" not in words:
        return None
    from pipeline.cli.luigi_command import NOT_GIVEN  # noqa: PLC0415 -- it loads typer

    parser = argparse.ArgumentParser(
        prog=f"luigi --module pipeline {task.get_task_family()}",
        usage="%(prog)s [options]",
        description=task.__doc__,
        add_help=False,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=WIDTH),
    )
    for name, parameter in _public_parameters(task).items():
        text = (parameter.description or "").replace("%", "%%")
        is_switch = isinstance(parameter, luigi.BoolParameter)
        if parameter.has_task_value(task.get_task_family(), name):
            default = parameter.task_value(task.get_task_family(), name)
            if not is_switch and default not in NOT_GIVEN and "default:" not in text:
                text += f"; default: {default}".replace("%", "%%")
        flag = _flag(name)
        if is_switch:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, metavar="VALUE", help=text)
    parser.add_argument("--workers", metavar="VALUE", help="tasks that run at the same time")
    parser.add_argument("--help", action="store_true", help="this text")
    parser.add_argument("--help-all", action="store_true", help="options of luigi and all tasks")
    return parser.format_help()


def find_task(words: Sequence[str]) -> type[luigi.Task] | None:
    """The task that the words name, or None where luigi itself has something to say about them."""
    for word in words:
        try:
            task: type[luigi.Task] = Register.get_task_cls(word)
        except TaskClassException:
            continue
        return task
    return None


def _public_parameters(task: type[luigi.Task]) -> dict[str, luigi.Parameter]:
    return {
        name: parameter
        for name, parameter in task.get_params()
        if parameter.visibility is ParameterVisibility.PUBLIC and name != "lab_id"
    }


def _own_flags(task: type[luigi.Task]) -> list[str]:
    return [_flag(name) for name, _ in task.get_params()]


def _all_flags(task: type[luigi.Task]) -> list[str]:
    others = [
        _flag(name if is_without_section else f"{family}_{name}")
        for family, is_without_section, name, _ in Register.get_all_params()
    ]
    return [*CORE, *_own_flags(task), *others]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
