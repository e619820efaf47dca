"""A loopback server between targets and models: who asked what, who answered, at what cost."""
