"""Prompt files: how they are split, filled and changed."""
