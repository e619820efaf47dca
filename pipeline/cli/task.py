"""`prompt-lab-task task.yaml`: RunTask, or with --campaign Campaign, by a short command."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO

from luigi.cmdline import luigi_run
from luigi.cmdline_parser import CmdlineParser
from luigi.parameter import ParameterException
from luigi.task_register import TaskClassException

from pipeline.console import report_errors_plainly
from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError
from prompt_lab.report.terminal import printable
from prompt_lab.task_engine.record import AttemptCode
from prompt_lab.task_engine.run_task import crash, print_record

REFUSED = 2
USAGE = """usage: prompt-lab-task TASK.yaml [--mutator CMD | --candidate FOLDER]
       prompt-lab-task TASK.yaml --explain | --undo
       prompt-lab-task TASK.yaml --campaign [--mutator CMD] [--iterations N]
One JSON record on standard output; everything else goes to standard error.
"""


def main(words: Sequence[str] | None = None) -> None:
    """Hand the words on to luigi's own command line, which ends the process."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0].startswith("-"):
        sys.stderr.write(USAGE)
        sys.exit(2)
    kind = "Campaign" if "--campaign" in given else "RunTask"
    rest = [word for word in given[1:] if word != "--campaign"]
    report_errors_plainly()
    whole = ["--module", "pipeline.tasks.task_engine", kind, "--task", given[0], *rest]
    _check(whole)
    luigi_run(whole)


def _check(given: list[str]) -> None:
    """Read the flags before luigi does, which reports a fault on standard error alone."""
    said = StringIO()
    try:
        with redirect_stderr(said), CmdlineParser.global_instance(given) as parser:
            parser.get_task_obj()
    except (LabError, ParameterException, TaskClassException, ValueError) as error:
        _refuse(str(error))
        sys.stderr.write(f"\nStopped: {printable(str(error))}\n")
        sys.exit(REFUSED)
    except SystemExit as ended:
        if ended.code:
            fault = said.getvalue().rpartition("error: ")[2].strip()
            _refuse(f"a flag is unknown, or lacks its value: {printable(fault)}")
        raise
    finally:
        sys.stderr.write(said.getvalue())


def _refuse(text: str) -> None:
    print_record(crash("", 0, AttemptCode.BAD_FLAG, text, utc_now()))


if __name__ == "__main__":
    main()
