"""`python -m pipeline.runner`."""

from pipeline.runner.cli import main

main()
