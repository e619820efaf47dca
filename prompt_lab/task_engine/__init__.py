"""The sandboxed single-iteration engine of a task.yaml."""
