"""Commits and worktrees of targets."""
