"""Pages and the scheduler."""
