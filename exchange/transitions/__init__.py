"""What each event changes, and nothing else changes anything."""
