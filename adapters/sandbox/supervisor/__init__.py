"""The process that starts a task's commands: standard library only, relative imports alone.

It is loaded by `adapters/bounds/start.py`, is small, so that a fork costs little, and outlives its
engine just long enough to end what still runs.
"""
