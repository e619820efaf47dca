"""The copy of a task's workspace that commands work in, and the way back into the workspace."""
