"""The commands of the original tool, as scripts/ has them: flags translated for Luigi."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import luigi

from pipeline.cli import task as task_command
from pipeline.cli.luigi_command import run_task
from pipeline.console import report_errors_plainly
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.loop import PreparePull

_FOLDER = re.compile(r"([0-9]+)_(.+)")


def run_optimization_iteration(words: Sequence[str] | None = None) -> int:
    """[--skip-implement] [--skip-runner] [--models a,b]: Iteration, with its flags. Exit code."""
    report_errors_plainly()
    return run_task(Iteration, list(sys.argv[1:] if words is None else words))


def prepare_iteration(words: Sequence[str] | None = None) -> int:
    """STEP PR: PreparePull. Exit code."""
    parser = argparse.ArgumentParser("prepare_iteration.py")
    parser.add_argument("step", help="a file of configs/steps")
    parser.add_argument("pr", help="the number of the pull request")
    given, rest = parser.parse_known_args(words)
    report_errors_plainly()
    return run_task(PreparePull, [f"--step={given.step}", f"--pr={given.pr.lstrip('#')}", *rest])


def run_phase(kind: type[luigi.Task], words: Sequence[str] | None = None) -> int:
    """FOLDER: one phase of the iteration that the analysis folder belongs to. Exit code.

    The lab is the one that the folder lies in.
    """
    parser = argparse.ArgumentParser(Path(sys.argv[0]).name)
    parser.add_argument("folder", type=Path, help="<lab>/analysis/<number>_<step>")
    given, rest = parser.parse_known_args(words)
    folder = given.folder.resolve()
    name = _FOLDER.fullmatch(folder.name)
    if name is None or folder.parent.name != "analysis" or not folder.is_dir():
        parser.error(f"{given.folder}: is no analysis folder: give <lab>/analysis/<number>_<step>")
    os.environ["PROMPTLAB_ROOT"] = str(folder.parents[1])
    report_errors_plainly()
    return run_task(kind, [f"--number={name[1]}", f"--step={name[2]}", *rest])


def run_task_file(words: Sequence[str] | None = None) -> None:
    """--task TASK.yaml: prompt-lab-task, which ends the process."""
    parser = argparse.ArgumentParser("run_task.py")
    parser.add_argument("--task", required=True, help="a task.yaml")
    given, rest = parser.parse_known_args(words)
    task_command.main([given.task, *rest])
