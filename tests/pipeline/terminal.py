"""The luigi command in a fork of this process: what a person sees, without a new interpreter."""

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from luigi.retcodes import run_with_retcodes

from pipeline.console import report_errors_plainly
from tests.pipeline.lab_folder import LabFolder
from tests.pipeline.warm import warm_up, warm_up_parser

STOPPED = "Stopped: "


class Said(NamedTuple):
    """How a command ended: its exit code and both of its streams."""

    code: int
    out: str
    err: str


def luigi(world: LabFolder, *args: str, env: dict[str, str] | None = None) -> Said:
    """`luigi --module pipeline <args>` on a world."""
    warm_up_parser(args[0] if args else "")
    return forked(world, lambda: run_with_retcodes(["--module", "pipeline", *args]), env or {})


def forked(world: LabFolder, main: Callable[[], object], env: dict[str, str]) -> Said:
    """A function as the main program of a process of its own; None ends it with 0."""
    warm_up()
    streams = [world.root / f"std{name}-{os.urandom(4).hex()}" for name in ("out", "err")]
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.environ.update({**world.env, **env})
            code = _run(main, *streams)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    out, err = (path.read_text("utf-8", "replace") for path in streams)
    for path in streams:
        path.unlink()
    return Said(os.waitstatus_to_exitcode(status), out, err)


def _run(main: Callable[[], object], out: Path, err: Path) -> int:
    report_errors_plainly()  # as luigi's own command has it once it has imported pipeline
    with out.open("w") as o, err.open("w") as e, redirect_stdout(o), redirect_stderr(e):
        try:
            return int(str(main() or 0))
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=e)
                return 1
            return end.code or 0
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            return 1
