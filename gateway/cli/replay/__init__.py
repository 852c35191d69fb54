"""`probity replay`: a recorded tape traded against a running exchange."""
