"""--window HOURS --n TRACES [--dry-run]: `luigi --module pipeline DailyReview`."""

import sys

from pipeline.cli.luigi_command import run_task
from pipeline.tasks.production import DailyReview

if __name__ == "__main__":
    sys.exit(run_task(DailyReview, sys.argv[1:]))
