"""Write routing_config.json by the feedback."""

import sys

from pipeline.cli.harness_tools import enforce_routing

if __name__ == "__main__":
    sys.exit(enforce_routing())
