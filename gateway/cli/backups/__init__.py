"""`probity backup` and `probity restore`: what is asked for, and what is said of it."""
