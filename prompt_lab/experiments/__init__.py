"""Use cases of the loop: each takes an Experiment, and knows neither Luigi nor HTTP."""
