"""PROMPT_ID [--threshold 0.8]: the composite score of its outcomes."""

import sys

from pipeline.cli.app import main

if __name__ == "__main__":
    main(["promptops", "eval", *sys.argv[1:]])
