"""One step on some plans into a history folder: `prompt-lab-run`."""
