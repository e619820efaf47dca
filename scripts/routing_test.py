"""MODEL PHASE: PASS where a model may do the phase."""

import sys

from pipeline.cli.harness_tools import check_routing

if __name__ == "__main__":
    sys.exit(check_routing())
