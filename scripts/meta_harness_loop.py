"""--cycles N --baseline 'MODEL SUITE PHASE' [--report]: the meta loop."""

import sys

from pipeline.cli.harness_tools import run_meta_loop

if __name__ == "__main__":
    sys.exit(run_meta_loop())
