"""Which of a prompt's promoted texts a call gets, by its context."""
