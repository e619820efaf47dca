"""Typed configuration: one class per kind of file under configs/, unknown keys refused."""
