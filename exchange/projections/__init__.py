"""What follows from the events of commands alone, one thing a module."""
