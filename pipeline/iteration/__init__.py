"""One iteration, from idea to verdict, and what it would do if it were run."""
