"""The verdict, what follows from it, and whether the rule that gave it holds."""
