"""FOLDER: what the change is: `luigi --module pipeline CodeReview`."""

from pipeline.cli.original_tools import run_phase
from pipeline.tasks.iteration import CodeReview

if __name__ == "__main__":
    raise SystemExit(run_phase(CodeReview))
