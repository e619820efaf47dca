"""Templates mined from texts that won a trial and stayed, and their use as candidates."""
