"""[--since TIME]: success, latency, cost by prompt; weak prompts."""

import sys

from pipeline.cli.app import main

if __name__ == "__main__":
    main(["promptops", "report", *sys.argv[1:]])
