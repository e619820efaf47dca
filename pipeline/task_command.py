"""`prompt-lab-task task.yaml`: RunTask, or with --campaign Campaign, by a short command."""

import sys
from collections.abc import Sequence

from luigi.cmdline import luigi_run

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
    luigi_run(["--module", "pipeline", kind, "--task", given[0], *rest])


if __name__ == "__main__":
    main()
