"""One step on a folder of plans, for one side: what the command `prompt-lab-run` does."""
