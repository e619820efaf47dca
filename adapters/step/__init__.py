"""Steps of targets behind one port."""
