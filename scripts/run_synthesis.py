"""FOLDER: the analysts reconciled: `luigi --module pipeline Synthesis`."""

from pipeline.cli.original_tools import run_phase
from pipeline.tasks.iteration import Synthesis

if __name__ == "__main__":
    raise SystemExit(run_phase(Synthesis))
