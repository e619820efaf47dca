"""Labs to begin with: the example, and one on recorded answers."""
