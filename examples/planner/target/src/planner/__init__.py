"""From a plan as text to the choices that decide how it goes."""
