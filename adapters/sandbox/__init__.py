"""The sandbox of a task: a tree of its own, commands in a jail, and the way back."""
