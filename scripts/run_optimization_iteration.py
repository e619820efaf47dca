"""One iteration, by the original flags: `luigi --module pipeline Iteration`."""

from pipeline.cli.original_tools import run_optimization_iteration

if __name__ == "__main__":
    raise SystemExit(run_optimization_iteration())
