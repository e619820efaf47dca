"""Benchmarks of models: suites, repeats, warm-up, feedback, routing and cycles."""
