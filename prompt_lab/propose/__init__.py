"""Candidate strategies that need no other model."""
