"""Questions: finding one, showing it, its book and its tape, creating and resolving it."""
