"""How money moves outside the book: intent, command, answer; the same for every domain."""
