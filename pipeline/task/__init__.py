"""The single-iteration engine: one attempt at a task.yaml, or a campaign of them."""
