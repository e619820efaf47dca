"""Other tools' traces and databases."""
