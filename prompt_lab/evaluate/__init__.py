"""Whether the evidence compares the two sides."""
