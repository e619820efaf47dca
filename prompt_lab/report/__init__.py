"""Pages and summaries, rendered from records."""
