"""What promptops/metrics.jsonl holds, as JSON."""

import sys

from pipeline.cli.app import main

if __name__ == "__main__":
    main(["promptops", "metrics", *sys.argv[1:]])
