"""Coding agents and analysts: one command or vendor per file."""
