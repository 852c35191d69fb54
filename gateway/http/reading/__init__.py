"""What a client sends, read within bounds: the head, the query, the body."""
