"""The task engine's rules: what one iteration of a task may change, and whether it is kept."""
