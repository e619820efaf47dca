"""STEP PR: claim an iteration for a pull request: `luigi --module pipeline PreparePull`."""

from pipeline.cli.original_tools import prepare_iteration

if __name__ == "__main__":
    raise SystemExit(prepare_iteration())
