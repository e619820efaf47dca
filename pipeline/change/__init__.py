"""From what was learned to one change on a branch, ready to be run."""
