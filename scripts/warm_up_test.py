"""[MODEL [SUITE]]: PASS where a warm-up is shown to help, measured on cold starts."""

import sys

from pipeline.cli.harness_tools import check_warm_up

if __name__ == "__main__":
    sys.exit(check_warm_up())
