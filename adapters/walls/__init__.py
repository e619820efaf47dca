"""Commands of others, run behind walls: `processes.run` is the one way in."""
