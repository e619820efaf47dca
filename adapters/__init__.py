"""The outside world: one vendor per file; adapters translate errors and take no decisions."""
