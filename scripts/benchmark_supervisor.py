"""MODEL SUITE [--enable-warmup]: seven repeats of a suite."""

import sys

from pipeline.cli.harness_tools import supervise

if __name__ == "__main__":
    sys.exit(supervise())
