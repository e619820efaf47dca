"""Registries of prompts: a folder, PromptLayer, Langfuse, and the lab's own over HTTP."""
