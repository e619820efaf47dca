"""FOLDER: before and after in one table: `luigi --module pipeline Assessment`."""

from pipeline.cli.original_tools import run_phase
from pipeline.tasks.iteration import Assessment

if __name__ == "__main__":
    raise SystemExit(run_phase(Assessment))
