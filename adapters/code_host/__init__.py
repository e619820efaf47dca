"""Pull requests behind one port."""
