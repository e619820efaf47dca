"""The decision engine: pairs and a policy in, a verdict with every number and reason out."""
