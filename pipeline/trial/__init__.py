"""The runs of both sides, look by look, until they settle the matter."""
