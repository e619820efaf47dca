"""[MODEL [SUITE]]: PASS where the routing table is obeyed, measured by a run."""

import sys

from pipeline.cli.harness_tools import check_routing

if __name__ == "__main__":
    sys.exit(check_routing())
