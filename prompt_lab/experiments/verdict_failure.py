"""Report an internal error of a verdict in one sentence that says what to do."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from prompt_lab.errors import LabError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.store.files import write_text
from prompt_lab.store.iterations import SUMMARY, VERDICT_ERROR


class VerdictFailed(LabError):
    """The decision engine raised an unexpected error: a bug, or lack of memory."""


@contextmanager
def report_failures(experiment: Experiment) -> Iterator[None]:
    """Turn any exception of the block into VerdictFailed; a LabError passes unchanged.

    The trace is kept in the folder of an iteration that has not ended.
    """
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        path, kept = experiment.folder / VERDICT_ERROR, ""
        if not (experiment.folder / SUMMARY).exists():
            write_text(path, traceback.format_exc())
            kept = f" ({path} has the trace)"
        said = " ".join(str(error).split())[:200]
        raise VerdictFailed(
            f"{experiment.folder}: the verdict cannot be computed:"
            f" {type(error).__name__}: {said}{kept}."
            " All runs are kept, and the same command tries again. To end this iteration without"
            f" a verdict: luigi --module pipeline GiveUp --number {experiment.number} --reason '…'"
        ) from error
