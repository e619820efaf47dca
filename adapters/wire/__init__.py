"""The wire formats of model servers, and one bounded way to call them."""
