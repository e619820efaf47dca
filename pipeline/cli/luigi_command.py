"""A command of `prompt-lab` for a Luigi task: its options are the task's parameters."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from keyword import iskeyword
from typing import Annotated, Any

import luigi
import typer
from luigi.cmdline_parser import CmdlineParser
from luigi.interface import core
from luigi.parameter import ParameterException, ParameterVisibility
from luigi.retcodes import run_with_retcodes

from pipeline.interrupt import end_plainly
from pipeline.tasks.iteration import Iteration
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import write_output

SAME_AS = "as for Iteration"
"""How a parameter's description refers to the one of Iteration."""
NOT_GIVEN = ("", 0, -1, -1.0, None)
"""Defaults that stand for 'not given'."""
Records = Callable[[Any], Mapping[str, Any]]
"""What `--json` prints of a task that has run."""


def make_command(kind: type[luigi.Task], records: Records | None = None) -> Callable[..., None]:
    """A function for typer that runs the task. `records` is what --json prints of it."""

    def command(**given: Any) -> None:
        as_json = bool(given.pop("json", False))
        words = command_words(given)
        if as_json and records is not None:
            raise typer.Exit(run_and_print_json(kind, words, records))
        raise typer.Exit(run_task(kind, words))

    parameters = [
        *task_options(kind),
        typer_parameter("core", "workers", dict(core.get_params())["workers"]),
    ]
    if records is not None:
        parameters.append(flag("json", "print the records as JSON, and all else on stderr"))
    return with_options(command, parameters, kind.__doc__ or "")


def task_options(kind: type[luigi.Task], *arguments: str) -> list[inspect.Parameter]:
    """The options of a task; those named in `arguments` are given without their flags."""
    return [
        typer_parameter(kind.__name__, name, parameter, is_argument=name in arguments)
        for name, parameter in kind.get_params()
        if parameter.visibility is ParameterVisibility.PUBLIC and name != "lab_id"
    ]


def with_options(
    function: Callable[..., None], parameters: Sequence[inspect.Parameter], text: str
) -> Callable[..., None]:
    """The function with the signature and the help that typer reads."""
    function.__doc__ = text
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    vars(function)["__signature__"] = inspect.Signature(list(parameters))
    return function


def command_words(options: Mapping[str, Any]) -> list[str]:
    """Options as Luigi's command line takes them; those that were not given are left out.

    >>> command_words({"dry_run": True, "models": "a,b", "from_": "best-on:x", "pr": None})
    ['--dry-run', '--models=a,b', '--from=best-on:x']
    """
    words = []
    for name, value in options.items():
        if value is True:
            words.append(_flag_of(name))
        elif value is not None and value is not False:
            words.append(f"{_flag_of(name)}={value}")
    return words


def run_task(kind: type[luigi.Task], words: list[str]) -> int:
    """Run a task as the command `luigi` does. The exit code."""
    try:
        run_with_retcodes(["--module", kind.__module__, kind.__name__, *words])
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except KeyboardInterrupt as error:
        end_plainly(KeyboardInterrupt, error, None)
    return 0


def run_and_print_json(kind: type[luigi.Task], words: list[str], records: Records) -> int:
    """The same, with what `records` finds and the exit code as JSON on standard output."""
    with redirect_stdout(sys.stderr):
        task = _find_task(kind, words)
        code = run_task(kind, words)
    found: Mapping[str, Any] = {}
    if task is not None:
        try:
            found = records(task)
        except LabError:
            if code == 0:
                raise
    print_json({"exit_code": code, **found})
    return code


def print_json(data: Mapping[str, Any]) -> None:
    """Print an object for a program. Raises OutputLost."""
    write_output(json.dumps(data, indent=2, ensure_ascii=True))


def _find_task(kind: type[luigi.Task], words: list[str]) -> luigi.Task | None:
    """The task before it runs, so that 'the next iteration' is the one that the command makes."""
    try:
        with CmdlineParser.global_instance([kind.__name__, *words]) as parser:
            task: luigi.Task = parser.get_task_obj()
            return task
    except (LabError, ParameterException, ValueError):
        return None  # running it reports the reason, with Luigi's exit code


def typer_parameter(
    family: str, name: str, parameter: luigi.Parameter, *, is_argument: bool = False
) -> inspect.Parameter:
    """The typer option, or argument, of a Luigi parameter; Luigi itself reads and checks values."""
    text = _describe(name, parameter)
    if isinstance(parameter, luigi.BoolParameter):
        return flag(name, text)
    if is_argument:
        return _keyword(name, Annotated[str, typer.Argument(help=text, show_default=False)])
    is_number = isinstance(parameter, luigi.IntParameter | luigi.FloatParameter)
    metavar = "NUMBER" if is_number else "TEXT"
    name_of_option = _flag_of(name)
    if not parameter.has_task_value(family, name):
        return _keyword(
            name, Annotated[str, typer.Option(name_of_option, help=text, metavar=metavar)]
        )
    default = parameter.task_value(family, name)
    if default not in NOT_GIVEN and "default:" not in text:
        text += f"; default: {default}"
    option = typer.Option(name_of_option, help=text, metavar=metavar, show_default=False)
    return _keyword(name, Annotated[str | None, option], None)


def _flag_of(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def _describe(name: str, parameter: luigi.Parameter) -> str:
    """The parameter's description; where that refers to Iteration's, the one of Iteration."""
    text = parameter.description or ""
    if text.startswith(SAME_AS):
        original = dict(Iteration.get_params())[name].description or ""
        return original + text.removeprefix(SAME_AS)
    return text


def flag(name: str, text: str) -> inspect.Parameter:
    """An option that takes no value."""
    option = typer.Option(_flag_of(name), help=text, show_default=False)
    return _keyword(name, Annotated[bool, option], False)


def _keyword(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    safe = f"{name}_" if iskeyword(name) else name
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(safe, kind, annotation=annotation, default=default)
