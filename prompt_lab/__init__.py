"""The rules of Prompt Lab: pure Python, no Luigi, no network, no vendor."""
