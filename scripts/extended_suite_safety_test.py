"""[MODEL [SUITE]]: PASS where the model may do the extended phase, measured by a forced run."""

import sys

from pipeline.cli.harness_tools import check_extended

if __name__ == "__main__":
    sys.exit(check_extended())
