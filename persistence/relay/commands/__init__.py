"""Commands from other processes: a stream of Redis to the engine, and answers back."""
