"""The only room of the rules that touches the disk."""
