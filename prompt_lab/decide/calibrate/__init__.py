"""Simulated worlds through the very engine: what the rules keep, miss and cost."""
