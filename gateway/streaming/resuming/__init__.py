"""Going on where one left off: what was missed is told first, then what is said since."""
