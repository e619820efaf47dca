"""Import and compile once what every command would, in each process that a test forks for it."""

import argparse
from functools import cache

from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

from pipeline.wiring import ADAPTERS, load_adapter
from prompt_lab.report.html import environment

_build_parser = CmdlineParser._build_parser


@cache
def warm_up() -> None:
    """Load all adapters and page templates into this process."""
    CmdlineParser._build_parser = staticmethod(_find_parser)  # type: ignore[method-assign]
    for kind, names in ADAPTERS.items():
        for name in names:
            load_adapter(kind, name)
    pages = environment()
    for template in pages.list_templates(extensions=["j2"]):
        pages.get_template(template)


def warm_up_parser(root_task: str) -> None:
    """Build luigi's parsers for one task, which a fork then has."""
    _find_parser()
    _find_parser(root_task)


def _find_parser(root_task: str | None = None, help_all: bool = False) -> argparse.ArgumentParser:
    """Luigi's parser, built once: a command builds nine of some 600 flags of all tasks."""
    return _parser_for(root_task, help_all, tuple(Register._reg))


@cache
def _parser_for(
    root_task: str | None, help_all: bool, _tasks: tuple[type, ...]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _build_parser(root_task, help_all)
    return parser
