"""Coding agents and analysts: what they are asked, and what is believed of what they give."""
