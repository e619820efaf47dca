"""Answers of parts become one answer; the answer to the whole query is the fallback."""
