"""What follows from the past: pure functions and records that eat executions, events alone."""
