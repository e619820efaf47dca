"""Luigi tasks: each run() calls one use case and writes one file."""
