"""Simulated markets and traders for `probity serve --demo`."""
