"""Credits for coming back each day, more of them the longer one's streak is."""
