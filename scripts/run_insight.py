"""FOLDER: what changed between the sides: `luigi --module pipeline Insight`."""

from pipeline.cli.original_tools import run_phase
from pipeline.tasks.iteration import Insight

if __name__ == "__main__":
    raise SystemExit(run_phase(Insight))
