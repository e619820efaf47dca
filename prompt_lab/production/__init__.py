"""The production loop: observe, find, approve, deploy, measure."""
