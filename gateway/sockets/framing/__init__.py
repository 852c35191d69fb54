"""One connection's bytes: what a client's frames mean, and our frames on their way out."""
