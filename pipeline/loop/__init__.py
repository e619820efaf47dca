"""Iterations that follow each other, and pull requests that others begin or take back."""
