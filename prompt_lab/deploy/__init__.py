"""Deployment of the lab's prompts to remote registries."""
