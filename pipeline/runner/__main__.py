"""`python -m pipeline.runner`."""

from pipeline.cli import main

main()
