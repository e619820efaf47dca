"""MODEL SUITE PHASE [--enable-warmup] [--force-model]: one repeat of a suite."""

import sys

from pipeline.cli.harness_tools import run_benchmark

if __name__ == "__main__":
    sys.exit(run_benchmark())
