"""`python -m pipeline.runner`."""

from pipeline.cli.run import main

main()
