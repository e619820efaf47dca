"""Detectors of findings, one per file; each is deterministic."""
