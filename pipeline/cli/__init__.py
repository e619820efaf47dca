"""The commands of `prompt-lab`, one module each."""
