"""Write harness_feedback.json from the recent benchmarks."""

import sys

from pipeline.cli.harness_tools import give_feedback

if __name__ == "__main__":
    sys.exit(give_feedback())
