"""Making runs: a batch planned once, then run after run, many to one process."""
